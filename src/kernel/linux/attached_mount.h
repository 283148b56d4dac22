// SPDX-License-Identifier: Apache-2.0
// Mounts that are at a path: the table of those of our mount namespace (proc(5), /proc/self/mountinfo) through
// libmount, and acting on one of them and on no other that may be there by now.
#pragma once

#include "base/std.h"
#include "base/unique_fd.h"
#include "kernel/mount.h"

namespace northstar {

// See Kernel::mountsOn. Throws Failed.
[[nodiscard]] std::vector<MountTableEntry> readMountTable(const std::vector<dev_t>& devices);

// Changes of the table. Throws Failed.
[[nodiscard]] std::unique_ptr<MountWatch> watchMountTable();

// See Kernel::unmount. umount2(2) takes no descriptor, so between the check and the call another mount could
// be put on top by somebody who may mount; that is root.
void unmountExactly(const MountIdentity& identity, const std::string& mountPoint, MountPointFate fate,
                    UnmountMode mode);

// See Kernel::removeMountPoint. The kernel itself refuses (EBUSY) to remove a mount point of our namespace.
void removeMountPointDirectory(const std::string& path);

// See Kernel::cloneMount.
[[nodiscard]] UniqueFd cloneExactly(const MountIdentity& identity, const std::string& mountPoint);

}  // namespace northstar
