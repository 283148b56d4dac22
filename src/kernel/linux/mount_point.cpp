// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/mount_point.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/path.h"
#include "kernel/linux/file_origin.h"

namespace northstar {
namespace {

std::string pathPrefix(const std::string& path) { return "path \"" + printable(path) + "\": "; }

std::string describe(const std::string& path) { return "mount point \"" + printable(path) + "\""; }

class LinuxMountPoint : public MountPoint {
public:
    explicit LinuxMountPoint(const std::string& path) : path_{openParent(path)} {
        if (::mkdirat(path_.parent.get(), path_.name.c_str(), 0755) == 0) {
            fate_ = Fate::RemovedAgain;
        } else if (errno != EEXIST) {
            throwErrno(Code::Failed, "making " + describe(path), errno);
        }
        try {
            directory_ = LinuxMountPoint::openTop();
            struct stat status{};
            if (::fstat(directory_.get(), &status) != 0) throwErrno(Code::Failed, describe(path), errno);
            if (!S_ISDIR(status.st_mode)) throw Error{Code::InvalidArgs, describe(path) + " is not a directory"};
            requireFree();
        } catch (...) {
            remove();
            throw;
        }
    }
    LinuxMountPoint(const LinuxMountPoint&) = delete;
    LinuxMountPoint& operator=(const LinuxMountPoint&) = delete;
    ~LinuxMountPoint() override { remove(); }

    [[nodiscard]] const std::string& path() const override { return path_.text; }
    [[nodiscard]] bool created() const override { return fate_ != Fate::NotOurs; }
    void keep() override {
        if (fate_ == Fate::RemovedAgain) fate_ = Fate::Kept;
    }

    [[nodiscard]] int freeDirectory() const override {
        requireFree();
        return directory_.get();
    }

    // O_NOFOLLOW without O_DIRECTORY: neither a symlink is followed nor an automount triggered.
    [[nodiscard]] UniqueFd openTop() const override {
        UniqueFd top{::openat(path_.parent.get(), path_.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
        if (!top) throwErrno(Code::Failed, "opening " + describe(path_.text), errno);
        return top;
    }

private:
    enum class Fate { NotOurs, RemovedAgain, Kept };

    void requireFree() const {
        // Something is mounted on a directory exactly if going there from its parent leads to another mount.
        if (isSameMount(mountIdentity(path_.parent.get()), mountIdentity(openTop().get()))) return;
        throw Error{Code::AlreadyMounted,
                    describe(path_.text) + " is in use by another mount; unmount it or choose another"};
    }

    void remove() noexcept {
        if (fate_ != Fate::RemovedAgain) return;
        // Somebody who may write to the parent may have put another directory there; that one is not ours to remove.
        struct stat ours{}, there{};
        const bool unchanged = directory_ && ::fstat(directory_.get(), &ours) == 0 &&
                               ::fstatat(path_.parent.get(), path_.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                               ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
        if (unchanged && ::unlinkat(path_.parent.get(), path_.name.c_str(), AT_REMOVEDIR) == 0) return;
        log::warn("{} is left behind: {}", describe(path_.text), unchanged ? errnoText(errno) : "it was replaced");
    }

    SafePath path_;
    UniqueFd directory_;
    Fate fate_ = Fate::NotOurs;
};

}  // namespace

std::deque<std::string> splitPath(const std::string& path) {
    const auto refuse = [&](const char* why) { throw Error{Code::InvalidArgs, pathPrefix(path) + why}; };
    if (!path.starts_with('/')) refuse("must be absolute");
    if (path.size() >= PATH_MAX || path.find('\0') != std::string::npos) refuse("is no valid path");
    std::deque<std::string> parts = pathComponents(path);
    if (parts.empty()) refuse("must be below /");
    for (const std::string& part : parts) {
        if (part == "." || part == "..") refuse("must not contain . or ..");
        if (part.size() > NAME_MAX) refuse("has a component of more than 255 bytes");
    }
    return parts;
}

SafePath openParent(const std::string& path) {
    std::deque<std::string> parts = splitPath(path);
    SafePath safe;
    for (const std::string& part : parts) safe.text += "/" + part;
    safe.name = parts.back();
    parts.pop_back();
    WalkPolicy policy;
    policy.what = pathPrefix(path);
    safe.parent = walkPath(std::move(parts), policy).directory;
    return safe;
}

std::unique_ptr<MountPoint> makeMountPointDirectory(const std::string& path) {
    return std::make_unique<LinuxMountPoint>(path);
}

}  // namespace northstar
