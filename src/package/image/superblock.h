// SPDX-License-Identifier: Apache-2.0
// What the superblocks in an image say: which filesystem it holds, and whether that is one to be mounted; and what a
// verified package says of its dm-verity tree, all checked.
#pragma once

#include "base/checked.h"
#include "base/std.h"
#include "package/bytes.h"

namespace northstar {

enum class Filesystem { Squashfs, Erofs };

// "squashfs", "erofs": the kernel's name of the filesystem type.
[[nodiscard]] const char* toString(Filesystem filesystem);

// `head`: what the filesystem begins with, 2048 bytes or more; `size`: bytes that it may have in all. Throws
// InvalidPackage if it is neither squashfs nor erofs, does not fit, needs what is not known here, or names other block
// devices, which the kernel would open. Not a check of the filesystem: that is the kernel's business, behind dm-verity.
[[nodiscard]] Filesystem parseFilesystem(Bytes head, std::uint64_t size);

// The same of what is in a file now. Throws Failed on a read error besides.
[[nodiscard]] Filesystem readFilesystem(int fd, Extent data);

struct Verity {
    static constexpr std::uint32_t kBlockSize = 4096;  // data and hash blocks alike; NPK knows no other

    Sha256 rootHash{};                   // signed
    std::uint64_t superblockOffset = 0;  // signed; bytes from the image's start, a multiple of kBlockSize
    std::uint64_t dataBlocks = 0;        // blocks of kBlockSize: superblockOffset / kBlockSize
    std::vector<std::uint8_t> salt;      // 0 to 256 bytes

    // First block of the hash tree, in blocks of kBlockSize from the start of the image.
    [[nodiscard]] std::uint64_t hashStartBlock() const noexcept { return dataBlocks + 1; }

    // Blocks of each level of the hash tree, the top one first, as on disk. None for an image of one data block.
    [[nodiscard]] std::vector<std::uint64_t> levels() const;

    // Blocks of the hash tree, all levels together.
    [[nodiscard]] std::uint64_t hashBlocks() const;
};

// Parses the superblock (cryptsetup's verity on-disk format, version 1) and checks every field against what
// was signed and against the image's size in bytes. Throws, naming the field that is wrong: Corrupted for one of the
// superblock, InvalidPackage if it or its tree cannot be where the signature says.
// `block`: the first 512 bytes or more at superblockOffset.
[[nodiscard]] Verity parseVeritySuperblock(Bytes block, const Sha256& rootHash, std::uint64_t superblockOffset,
                                           std::uint64_t imageSize);

}  // namespace northstar
