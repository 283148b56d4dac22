// SPDX-License-Identifier: Apache-2.0
// Which filesystem an image holds, told by its superblock, and whether that is one to be mounted.
#pragma once

#include "base/checked.h"
#include "base/std.h"

namespace northstar {

enum class Filesystem { Squashfs, Erofs };

// "squashfs", "erofs": the kernel's name of the filesystem type.
[[nodiscard]] const char* toString(Filesystem filesystem);

// `head`: what the filesystem begins with, 2048 bytes or more; `size`: bytes that it may have in all. Throws
// InvalidPackage if it is neither squashfs nor erofs, does not fit, needs what is not known here, or names other block
// devices, which the kernel would open. Not a check of the filesystem: that is the kernel's business, behind dm-verity.
[[nodiscard]] Filesystem parseFilesystem(std::span<const std::uint8_t> head, std::uint64_t size);

// The same of what is in a file now. Throws Failed on a read error besides.
[[nodiscard]] Filesystem readFilesystem(int fd, Extent data);

}  // namespace northstar
