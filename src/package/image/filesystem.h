// SPDX-License-Identifier: Apache-2.0
// Which filesystem an image holds, told by its superblock. Internal to src/package.
#pragma once

#include "base/checked.h"
#include "package/package.h"

namespace northstar {

// `data`: the bytes of the file that hold the filesystem. Throws InvalidPackage if it is neither squashfs nor
// erofs, or does not fit; Failed on a read error. Not a check of the filesystem: that is the kernel's
// business, behind dm-verity.
[[nodiscard]] Filesystem detectFilesystem(int fd, Extent data);

}  // namespace northstar
