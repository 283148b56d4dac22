// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/detached_mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/error.h"
#include "kernel/linux/mount_error.h"
#include "kernel/linux/mount_identity.h"
#include "kernel/linux/mount_point.h"
#include "kernel/linux/selinux.h"

namespace northstar {
namespace {

// The service has one implementation of mount points beside this one.
const LinuxMountPoint& ours(const MountPoint& point) { return dynamic_cast<const LinuxMountPoint&>(point); }

// The device was named by its path to the kernel; is this what came of it?
void requireDevice(const MountIdentity& identity, dev_t device, const std::string& path) {
    if (identity.device == device) return;
    throw Error{Code::Failed, "mounting " + path + ": the mount shows another device"};
}

class NewMount : public DetachedMount {
public:
    NewMount(UniqueFd mount, MountIdentity identity) : mount_{std::move(mount)}, identity_{identity} {}
    [[nodiscard]] MountIdentity identity() const override { return identity_; }

    void attach(const MountPoint& point) override {
        const LinuxMountPoint& to = ours(point);
        to.requireFree();
        if (::move_mount(mount_.get(), "", to.directory(), "",
                         MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
            throwErrno(Code::Failed, "attaching a mount at " + printable(to.path()), errno);
        }
        mount_.reset();  // held open it would be busy
    }

private:
    UniqueFd mount_;  // closing it drops a mount that is attached nowhere
    MountIdentity identity_;
};

// mount(2) knows no mount without a place, so all is done in attach().
class OldMount : public DetachedMount {
public:
    OldMount(std::string source, dev_t device, MountOptions options)
        : source_{std::move(source)}, device_{device}, options_{std::move(options)} {}
    [[nodiscard]] MountIdentity identity() const override { return identity_; }

    void attach(const MountPoint& point) override {
        const LinuxMountPoint& to = ours(point);
        to.requireFree();
        const std::string path = "/proc/self/fd/" + std::to_string(to.directory());
        unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV;
        if (options_.noexec) flags |= MS_NOEXEC;
        const std::string data =
            options_.selinuxContext.empty() ? "" : selinuxMountOption(options_.selinuxContext);
        if (::mount(source_.c_str(), path.c_str(), options_.filesystem.c_str(), flags, data.c_str()) != 0) {
            throwMountError(source_, options_, errno, "");
        }
        // Another device means that somebody mounted on top meanwhile; that is not ours to take down.
        const MountIdentity identity = mountIdentity(to.openTop().get());
        requireDevice(identity, device_, source_);
        identity_ = identity;
    }

private:
    std::string source_;
    dev_t device_;
    MountOptions options_;
    MountIdentity identity_;
};

void configure(int context, unsigned command, const char* key, const char* value, const Device& source,
               const MountOptions& options) {
    if (::fsconfig(context, command, key, value, 0) == 0) return;
    const int error = errno;
    throwMountError(source.path(), options, error, filesystemLog(context));
}

}  // namespace

std::unique_ptr<DetachedMount> Mounter::mount(const Device& source, const MountOptions& options) {
    MountOptions wanted = options;
    if (!wanted.selinuxContext.empty()) {
        checkSelinuxContext(wanted.selinuxContext);
        if (!selinuxEnabled()) wanted.selinuxContext.clear();
    }
    UniqueFd context;
    if (!old_) {
        context.reset(::fsopen(wanted.filesystem.c_str(), FSOPEN_CLOEXEC));
        if (!context && errno == ENOSYS)
            old_ = true;
        else if (!context)
            throwMountError(source.path(), wanted, errno, "");
    }
    if (!context) return std::make_unique<OldMount>(source.path(), source.number(), std::move(wanted));

    configure(context.get(), FSCONFIG_SET_STRING, "source", source.path().c_str(), source, wanted);
    configure(context.get(), FSCONFIG_SET_FLAG, "ro", nullptr, source, wanted);
    if (!wanted.selinuxContext.empty()) {
        configure(context.get(), FSCONFIG_SET_STRING, "context", wanted.selinuxContext.c_str(), source,
                  wanted);
    }
    configure(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, source, wanted);
    const unsigned attributes =
        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (wanted.noexec ? MOUNT_ATTR_NOEXEC : 0U);
    UniqueFd mount{::fsmount(context.get(), FSMOUNT_CLOEXEC, attributes)};
    if (!mount) throwMountError(source.path(), wanted, errno, filesystemLog(context.get()));
    const MountIdentity identity = mountIdentity(mount.get());
    requireDevice(identity, source.number(), source.path());
    return std::make_unique<NewMount>(std::move(mount), identity);
}

}  // namespace northstar
