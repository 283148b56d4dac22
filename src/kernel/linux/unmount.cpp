// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/unmount.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "kernel/linux/mount_identity.h"
#include "kernel/linux/safe_path.h"

namespace northstar {
namespace {

// The parent of the mount point, if exactly this mount is on it. No descriptor of the mount itself stays
// open.
SafePath locate(const MountIdentity& identity, const std::string& mountPoint) {
    SafePath path;
    try {
        path = openParent(mountPoint);
    } catch (const Error& error) {
        throw Error{Code::NotMounted, error.what()};
    }
    const std::string what = "mount point \"" + printable(path.text) + "\"";
    const UniqueFd top{::openat(path.parent.get(), path.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (!top) throwErrno(Code::NotMounted, what, errno);
    const MountIdentity there = mountIdentity(top.get());
    if (isSameMount(identity, there)) return path;
    if (isSameMount(mountIdentity(path.parent.get()), there)) {
        throw Error{Code::NotMounted, what + " has nothing mounted on it any more"};
    }
    throw Error{Code::NotMounted, fmt::format("{} shows mount {}, not mount {}; unmount what is over it first", what,
                                              there.id, identity.id)};
}

void removeEmpty(const SafePath& path) {
    if (::unlinkat(path.parent.get(), path.name.c_str(), AT_REMOVEDIR) == 0) return;
    log::warn("mount point \"{}\" is left behind: {}", printable(path.text), errnoText(errno));
}

}  // namespace

void unmountExactly(const MountIdentity& identity, const std::string& mountPoint, MountPointFate fate,
                    UnmountMode mode) {
    const SafePath path = locate(identity, mountPoint);
    const std::string through = "/proc/self/fd/" + std::to_string(path.parent.get()) + "/" + path.name;
    if (::umount2(through.c_str(), UMOUNT_NOFOLLOW | (mode == UnmountMode::Lazy ? MNT_DETACH : 0)) != 0) {
        const Code code = errno == EBUSY ? Code::Busy : errno == EINVAL ? Code::NotMounted : Code::Failed;
        throwErrno(code, "unmounting \"" + printable(path.text) + "\"", errno);
    }
    if (fate == MountPointFate::Removed) removeEmpty(path);
}

void removeMountPointDirectory(const std::string& path) { removeEmpty(openParent(path)); }

UniqueFd cloneExactly(const MountIdentity& identity, const std::string& mountPoint) {
    const SafePath path = locate(identity, mountPoint);
    const std::string what = "cloning the mount at \"" + printable(path.text) + "\"";
    UniqueFd clone{
        ::open_tree(path.parent.get(), path.name.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW)};
    if (!clone && errno == ENOSYS) throw Error{Code::Unsupported, what + " needs open_tree(2), Linux 5.2"};
    if (!clone) throwErrno(Code::Failed, what, errno);
    if (mountIdentity(clone.get()).device != identity.device) {
        throw Error{Code::NotMounted, what + ": another filesystem is there by now"};
    }
    // A clone of a shared mount is in its peer group: what the caller mounts on it would appear here
    // (Linux 5.12).
    mount_attr attributes{};
    attributes.propagation = MS_PRIVATE;
    if (::mount_setattr(clone.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0 && errno != ENOSYS) {
        throwErrno(Code::Failed, what + ": making it private", errno);
    }
    return clone;
}

}  // namespace northstar
