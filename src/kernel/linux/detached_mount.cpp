// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/detached_mount.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/unique_fd.h"
#include "kernel/linux/mount_error.h"
#include "kernel/linux/mount_identity.h"
#include "kernel/linux/selinux.h"

namespace northstar {
namespace {

// The device was named by its path to the kernel; is this what came of it?
void requireDevice(const MountIdentity& identity, dev_t device, const std::string& path) {
    if (identity.device == device) return;
    throw Error{Code::Failed, "mounting " + path + ": the mount shows another device"};
}

// SELinux says why in the kernel's log only; kernels differ in the call that it fails.
std::string suspicion(int error, const std::optional<SelinuxOption>& selinux) {
    if (error != EINVAL || !selinux) return "";
    return "perhaps the SELinux policy does not know the context " + selinux->value;
}

class NewMount : public DetachedMount {
public:
    NewMount(UniqueFd mount, MountIdentity identity) : mount_{std::move(mount)}, identity_{identity} {}
    [[nodiscard]] MountIdentity identity() const override { return identity_; }

    void attach(const MountPoint& point) override {
        constexpr unsigned kFlags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
        if (::move_mount(mount_.get(), "", point.freeDirectory(), "", kFlags) != 0) {
            throwErrno(Code::Failed, "attaching a mount at " + printable(point.path()), errno);
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
    OldMount(std::string source, dev_t device, MountOptions options, std::optional<SelinuxOption> selinux)
        : source_{std::move(source)}, device_{device}, options_{std::move(options)}, selinux_{std::move(selinux)} {}
    [[nodiscard]] MountIdentity identity() const override { return identity_; }

    void attach(const MountPoint& point) override {
        const std::string path = "/proc/self/fd/" + std::to_string(point.freeDirectory());
        unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV;
        if (options_.noexec) flags |= MS_NOEXEC;
        const std::string data = selinux_ ? selinux_->text() : "";
        if (::mount(source_.c_str(), path.c_str(), options_.filesystem.c_str(), flags, data.c_str()) != 0) {
            const int error = errno;
            throwMountError(source_, options_, error, suspicion(error, selinux_));
        }
        // Another device means that somebody mounted on top meanwhile; that is not ours to take down.
        const MountIdentity identity = mountIdentity(point.openTop().get());
        requireDevice(identity, device_, source_);
        identity_ = identity;
    }

private:
    std::string source_;
    dev_t device_;
    MountOptions options_;
    std::optional<SelinuxOption> selinux_;
    MountIdentity identity_;
};

}  // namespace

std::unique_ptr<DetachedMount> Mounter::mount(const Device& source, const MountOptions& options) {
    std::optional<SelinuxOption> selinux;
    if (!options.selinuxContext.empty()) selinux = selinuxOption(options.selinuxContext, selinuxEnabled());
    UniqueFd context;
    if (!old_) {
        context.reset(::fsopen(options.filesystem.c_str(), FSOPEN_CLOEXEC));
        if (!context && errno == ENOSYS)
            old_ = true;
        else if (!context)
            throwMountError(source.path(), options, errno, "");
    }
    if (!context) {
        return std::make_unique<OldMount>(source.path(), source.number(), options, std::move(selinux));
    }

    const auto configure = [&](unsigned command, const char* key, const char* value) {
        if (::fsconfig(context.get(), command, key, value, 0) == 0) return;
        const int error = errno;
        const std::string log = filesystemLog(context.get());
        throwMountError(source.path(), options, error, log.empty() ? suspicion(error, selinux) : log);
    };
    configure(FSCONFIG_SET_STRING, "source", source.path().c_str());
    configure(FSCONFIG_SET_FLAG, "ro", nullptr);
    if (selinux) configure(FSCONFIG_SET_STRING, selinux->key.c_str(), selinux->value.c_str());
    configure(FSCONFIG_CMD_CREATE, nullptr, nullptr);
    const unsigned attributes =
        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (options.noexec ? MOUNT_ATTR_NOEXEC : 0U);
    UniqueFd mount{::fsmount(context.get(), FSMOUNT_CLOEXEC, attributes)};
    if (!mount) {
        const int error = errno;
        throwMountError(source.path(), options, error, filesystemLog(context.get()));
    }
    const MountIdentity identity = mountIdentity(mount.get());
    requireDevice(identity, source.number(), source.path());
    return std::make_unique<NewMount>(std::move(mount), identity);
}

}  // namespace northstar
