// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/detached_mount.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "kernel/linux/file_origin.h"
#include "kernel/linux/mount_point.h"

namespace northstar {
namespace {

// The device was named by its path to the kernel; is this what came of it?
void requireDevice(const MountIdentity& identity, dev_t device, const std::string& path) {
    if (identity.device == device) return;
    throw Error{Code::Failed, fmt::format("mounting {}: the mount shows another device", path)};
}

// Is SELinux enabled and its policy loaded, so that the kernel takes the option?
bool selinuxEnabled() {
    struct statfs status{};
    if (::statfs("/sys/fs/selinux", &status) != 0 || status.f_type != SELINUX_MAGIC) return false;
    // Before a policy is loaded a process has no context of the form user:role:type, and the kernel refuses the option.
    return readLine("/proc/self/attr/current").value_or("").find(':') != std::string::npos;
}

// Text of the messages that a filesystem left in the descriptor from fsopen(2), joined by "; ".
std::string filesystemLog(int context) {
    std::string all;
    std::array<char, 1024> message{};
    for (int i = 0; i < 16; ++i) {  // the kernel keeps 8 (fs/fs_context.c)
        const ssize_t length = ::read(context, message.data(), message.size());
        if (length <= 0) break;  // ENODATA at the end
        std::string text{message.data(), static_cast<std::size_t>(length)};
        if (text.size() > 2 && text[1] == ' ') text.erase(0, 2);  // "e ", "w ", "i "
        while (text.ends_with('\n')) text.pop_back();
        all += (all.empty() ? "" : "; ") + printable(text);
    }
    return all;
}

std::string kernelOption(const std::string& filesystem) {
    std::string name = filesystem;
    for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return name == "EROFS" ? "CONFIG_EROFS_FS" : "CONFIG_" + name;
}

// Kernel option of the decompressor that a squashfs message complains of; empty if it is about something else.
std::string missingDecompressor(const std::string& log) {
    // fs/squashfs/super.c: Filesystem uses "xz" compression. This is not supported
    const std::string before = "uses \"", after = "\" compression";
    const std::size_t start = log.find(before);
    const std::size_t end = start == std::string::npos ? start : log.find(after, start + before.size());
    if (end == std::string::npos) return "";
    const std::string name = log.substr(start + before.size(), end - start - before.size());
    for (const char* known : {"zlib", "lz4", "lzo", "xz", "zstd"}) {
        if (name == known) return kernelOption("squashfs_" + name);
    }
    return "a squashfs decompressor for \"" + name + "\"";
}

// SELinux says why in the kernel's log only; kernels differ in the call that it fails.
std::string suspicion(int error, const std::optional<std::string>& selinux) {
    if (error != EINVAL || !selinux) return "";
    return "perhaps the SELinux policy does not know the context " + *selinux;
}

constexpr unsigned kBeneath = 0x200;  // MOVE_MOUNT_BENEATH, linux/mount.h of Linux 6.5

[[noreturn]] void throwTooOld() {
    throw Error{Code::Unsupported,
                "mounting beneath another mount needs Linux 6.5 (MOVE_MOUNT_BENEATH); unmount that one first, and then "
                "mount the other"};
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

    void attachBeneath(const MountIdentity& top, const std::string& mountPoint) override {
        constexpr unsigned kFlags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH | kBeneath;
        // The flags are looked at before the descriptors.
        if (::move_mount(-1, "", -1, "", kFlags) != 0 && errno != EBADF) throwTooOld();
        const UniqueFd there = openMount(top, mountPoint);
        if (::move_mount(mount_.get(), "", there.get(), "", kFlags) != 0) {
            throwErrno(Code::Failed, "attaching a mount beneath that at " + printable(mountPoint), errno);
        }
        mount_.reset();
    }

private:
    UniqueFd mount_;  // closing it drops a mount that is attached nowhere
    MountIdentity identity_;
};

// mount(2) knows no mount without a place, so all is done in attach().
class OldMount : public DetachedMount {
public:
    OldMount(std::string source, dev_t device, MountOptions options, std::optional<std::string> selinux)
        : source_{std::move(source)}, device_{device}, options_{std::move(options)}, selinux_{std::move(selinux)} {}
    [[nodiscard]] MountIdentity identity() const override { return identity_; }

    void attach(const MountPoint& point) override {
        const std::string path = "/proc/self/fd/" + std::to_string(point.freeDirectory());
        unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV;
        if (options_.noexec) flags |= MS_NOEXEC;
        const std::string data = selinux_ ? selinuxData(*selinux_) : "";
        if (::mount(source_.c_str(), path.c_str(), options_.filesystem.c_str(), flags, data.c_str()) != 0) {
            const int error = errno;
            throwMountError(source_, options_, error, suspicion(error, selinux_));
        }
        const MountIdentity identity = identityAt(point);
        // Another device means that somebody mounted on top meanwhile; that is not ours to take down.
        requireDevice(identity, device_, source_);
        identity_ = identity;
    }

    void attachBeneath(const MountIdentity&, const std::string&) override { throwTooOld(); }

private:
    // It is mounted, whatever fails from here on: then its device alone tells which mount it is.
    [[nodiscard]] MountIdentity identityAt(const MountPoint& point) const {
        try {
            return mountIdentity(point.openTop().get());
        } catch (const Error& error) {
            log::warn("{}", error.what());
            return {0, 0, device_};
        }
    }

    std::string source_;
    dev_t device_;
    MountOptions options_;
    std::optional<std::string> selinux_;  // context
    MountIdentity identity_;
};

}  // namespace

void throwMountError(const std::string& source, const MountOptions& options, int error, const std::string& log) {
    const std::string what = "mounting " + source + " as " + options.filesystem;
    const std::string because = ": " + (log.empty() ? errnoText(error) : log + ", " + errnoText(error));
    if (error == ENODEV) {
        throw Error{Code::Unsupported, fmt::format("{} needs {}, which this kernel does not have; load the module {}",
                                                   what, kernelOption(options.filesystem), options.filesystem)};
    }
    const std::string decompressor = options.filesystem == "squashfs" ? missingDecompressor(log) : "";
    if (error == EINVAL && !decompressor.empty()) {
        throw Error{Code::Unsupported,
                    fmt::format("{} needs {}, which this kernel does not have{}", what, decompressor, because)};
    }
    if (error == EIO || error == EUCLEAN || error == EBADMSG) {
        throw Error{Code::Corrupted, fmt::format("{}{}; the package is damaged", what, because)};
    }
    throw Error{Code::Failed, what + because};
}

std::string selinuxData(const std::string& context) { return "context=\"" + context + "\""; }

std::optional<std::string> selinuxContext(const std::string& context, bool enabled) {
    const auto isAllowed = [](char c) {
        return isAsciiAlphanumeric(c) || std::string_view{":_.,-"}.find(c) != std::string_view::npos;
    };
    if (context.empty() || !std::ranges::all_of(context, isAllowed)) {
        throw Error{Code::InvalidArgs, fmt::format("\"{}\" is no SELinux context", printable(context))};
    }
    return enabled ? std::optional{context} : std::nullopt;
}

std::unique_ptr<DetachedMount> Mounter::mount(const Device& source, const MountOptions& options) {
    std::optional<std::string> selinux;
    if (!options.selinuxContext.empty()) selinux = selinuxContext(options.selinuxContext, selinuxEnabled());
    const UniqueFd context{old_ ? -1 : ::fsopen(options.filesystem.c_str(), FSOPEN_CLOEXEC)};
    if (!context) {
        if (!old_ && errno != ENOSYS) throwMountError(source.path(), options, errno, "");
        old_ = true;
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
    if (selinux) configure(FSCONFIG_SET_STRING, "context", selinux->c_str());
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
