// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/mount_point.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/path.h"
#include "kernel/linux/file_origin.h"
#include "kernel/linux/mount_table.h"

namespace northstar {
namespace {

std::string pathPrefix(const std::string& path) { return "path \"" + printable(path) + "\": "; }

std::string describe(const std::string& path) { return "mount point \"" + printable(path) + "\""; }

// O_NOFOLLOW without O_DIRECTORY: neither a symlink is followed nor an automount triggered.
UniqueFd openTopOf(const SafePath& path) {
    return UniqueFd{::openat(path.parent.get(), path.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
}

struct Removal {
    bool done = false;
    int error = 0;  // 0 with nothing done: another one is there
};

// Somebody who may write to the parent may have put another directory there; that one is not ours to remove.
Removal removeIfMade(const SafePath& path, const MadeDirectory& made) noexcept {
    struct stat there{};
    if (::fstatat(path.parent.get(), path.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) return {false, errno};
    const bool same = made.inode == 0 || (there.st_dev == made.device && there.st_ino == made.inode);
    if (!same) return {};
    if (::unlinkat(path.parent.get(), path.name.c_str(), AT_REMOVEDIR) == 0) return {true, 0};
    return {false, errno};
}

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
            if (fate_ == Fate::RemovedAgain) made_ = {path_.text, status.st_dev, status.st_ino};
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
    [[nodiscard]] MadeDirectory made() const override { return made_; }
    void keep() override {
        if (fate_ == Fate::RemovedAgain) fate_ = Fate::Kept;
    }

    [[nodiscard]] int freeDirectory() const override {
        requireFree();
        return directory_.get();
    }

    [[nodiscard]] UniqueFd openTop() const override {
        UniqueFd top = openTopOf(path_);
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
        // Without a descriptor of it (there was none to be had) it cannot be told from another of that name; nobody but
        // root can have put one there in the meantime.
        const MadeDirectory made = made_.isThere() ? made_ : MadeDirectory{path_.text};
        const Removal removal = removeIfMade(path_, made);
        if (removal.done) return;
        log::warn("{} is left behind: {}", describe(path_.text),
                  removal.error == 0 ? "it was replaced" : errnoText(removal.error));
    }

    SafePath path_;
    UniqueFd directory_;
    MadeDirectory made_;
    Fate fate_ = Fate::NotOurs;
};

// What is at a path that leads nowhere, or not to us, is not mounted there. Any other error tells nothing.
bool leadsNowhere(int error) { return error == ENOENT || error == ENOTDIR || error == ELOOP; }

SafePath locateAt(const MountIdentity& identity, const std::string& mountPoint) {
    SafePath path;
    try {
        path = openParent(mountPoint);
    } catch (const Error& error) {
        if (error.code() != Code::InvalidArgs) throw;
        throw Error{Code::NotMounted, error.what()};
    }
    const std::string what = describe(path.text);
    const UniqueFd top = openTopOf(path);
    if (!top) {
        const int error = errno;
        throwErrno(leadsNowhere(error) ? Code::NotMounted : Code::Failed, "opening " + what, error);
    }
    const MountIdentity there = mountIdentity(top.get());
    if (isSameMount(identity, there)) return path;
    if (isSameMount(mountIdentity(path.parent.get()), there)) {
        throw Error{Code::NotMounted, what + " has nothing mounted on it any more"};
    }
    throw Error{Code::NotMounted, fmt::format("{} shows mount {}, not mount {}; unmount what is over it first", what,
                                              there.id, identity.id)};
}

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
    // What was authorized is a path without symlinks: resolvedParent().
    const WalkPolicy policy{.links = WalkPolicy::Links::None, .what = pathPrefix(path)};
    safe.parent = walkPath(std::move(parts), policy).directory;
    return safe;
}

SafePath locateMount(const MountIdentity& identity, const std::string& mountPoint) {
    try {
        return locateAt(identity, mountPoint);
    } catch (const Error& error) {
        if (error.code() != Code::NotMounted) throw;
        for (const MountTableEntry& entry : readMountTable({identity.device})) {
            if (!isSameMount(identity, entry.identity)) continue;
            if (entry.mountPoint != mountPoint) return locateAt(identity, entry.mountPoint);
            throw Error{Code::Busy, describe(mountPoint) + ": something is mounted over it; unmount that first"};
        }
        throw;
    }
}

UniqueFd openMount(const MountIdentity& identity, const std::string& mountPoint) {
    const SafePath path = locateMount(identity, mountPoint);
    UniqueFd top = openTopOf(path);
    if (!top) throwErrno(Code::Failed, "opening " + describe(path.text), errno);
    if (isSameMount(identity, mountIdentity(top.get()))) return top;
    throw Error{Code::NotMounted, describe(path.text) + ": another filesystem is there by now"};
}

std::unique_ptr<MountPoint> makeMountPointDirectory(const std::string& path) {
    return std::make_unique<LinuxMountPoint>(path);
}

void removeMade(const std::string& mountPoint, const MadeDirectory& made) {
    if (!made.isThere()) return;
    std::string why = "it was replaced";
    for (const std::string& place : {mountPoint, made.path}) {
        try {
            const Removal removal = removeIfMade(openParent(place), made);
            if (removal.done) return;
            if (removal.error != 0) why = errnoText(removal.error);
        } catch (const Error& error) {
            why = error.what();
        }
        if (mountPoint == made.path) break;
    }
    log::warn("{} is left behind: {}", describe(made.path), why);
}

void unmountExactly(const MountIdentity& identity, const std::string& mountPoint, const MadeDirectory& made,
                    UnmountMode mode) {
    const SafePath path = locateMount(identity, mountPoint);
    const std::string through = "/proc/self/fd/" + std::to_string(path.parent.get()) + "/" + path.name;
    if (::umount2(through.c_str(), UMOUNT_NOFOLLOW | (mode == UnmountMode::Lazy ? MNT_DETACH : 0)) != 0) {
        const Code code = errno == EBUSY ? Code::Busy : errno == EINVAL ? Code::NotMounted : Code::Failed;
        throwErrno(code, fmt::format("unmounting \"{}\"", printable(path.text)), errno);
    }
    removeMade(path.text, made);
}

}  // namespace northstar
