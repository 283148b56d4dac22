// SPDX-License-Identifier: Apache-2.0
// The directory that will be mounted on, held by descriptors from the moment that it was checked. Its path is walked
// without following any symlink.
//
// And the mounts that are at a path: the table of those of our mount namespace (proc(5), /proc/self/mountinfo) through
// libmount, and acting on one of them and on no other that may be there by now.
#pragma once

#include <deque>

#include "base/std.h"
#include "base/unique_fd.h"
#include "kernel/mount.h"

namespace northstar {

struct SafePath {
    UniqueFd parent;   // O_PATH, the directory that holds the last component
    std::string name;  // last component; not opened, may not exist
    std::string text;  // the whole path, repeated and trailing slashes removed
};

// Components of an absolute path. Throws InvalidArgs for a relative path, "/", "." or ".." as a component, a
// NUL character, a component over NAME_MAX (255) or a path over PATH_MAX (4096) bytes.
[[nodiscard]] std::deque<std::string> splitPath(const std::string& path);

// Opens everything but the last component. Throws InvalidArgs if a component is missing, no directory or a
// symlink; Failed.
[[nodiscard]] SafePath openParent(const std::string& path);

// The parent of the mount point, if exactly this mount is on it, and else of where the mount table has it: its path
// changes when it is moved or a directory above it is renamed. No descriptor of the mount itself stays open. Throws
// NotMounted, Busy if something is mounted over it, Failed.
[[nodiscard]] SafePath locateMount(const MountIdentity& identity, const std::string& mountPoint);

// O_PATH descriptor of the root of exactly this mount, found as above. It keeps the mount busy. Throws as above.
[[nodiscard]] UniqueFd openMount(const MountIdentity& identity, const std::string& mountPoint);

// See Kernel::makeMountPoint. A missing directory is made with mode 0755. Throws AlreadyMounted, InvalidArgs, Failed.
[[nodiscard]] std::unique_ptr<MountPoint> makeMountPointDirectory(const std::string& path);

// See Kernel::removeMountPoint. The kernel itself refuses (EBUSY) to remove a mount point of our namespace.
void removeMade(const std::string& mountPoint, const MadeDirectory& made);

// See Kernel::unmount. umount2(2) takes no descriptor, so between the check and the call another mount could
// be put on top by somebody who may mount; that is root.
void unmountExactly(const MountIdentity& identity, const std::string& mountPoint, const MadeDirectory& made,
                    UnmountMode mode);

}  // namespace northstar
