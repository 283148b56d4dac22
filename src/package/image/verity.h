// SPDX-License-Identifier: Apache-2.0
// What a verified package says of its dm-verity tree: the superblock's fields, all checked.
#pragma once

#include "base/std.h"
#include "package/bytes.h"

namespace northstar {

struct Verity {
    static constexpr std::uint32_t kBlockSize = 4096;  // data and hash blocks alike; NPK knows no other

    Sha256 rootHash{};                   // signed
    std::uint64_t superblockOffset = 0;  // signed; bytes from the image's start, a multiple of kBlockSize
    std::uint64_t dataBlocks = 0;        // blocks of kBlockSize: superblockOffset / kBlockSize
    std::vector<std::uint8_t> salt;      // 0 to 256 bytes

    // First block of the hash tree, in blocks of kBlockSize from the start of the image.
    [[nodiscard]] std::uint64_t hashStartBlock() const noexcept { return dataBlocks + 1; }

    // Blocks of the hash tree, all levels together. 0 for an image of one data block.
    [[nodiscard]] std::uint64_t hashBlocks() const noexcept;
};

// Parses the superblock (cryptsetup's verity on-disk format, version 1) and checks every field against what
// was signed and against the image's size in bytes. Throws, naming the field that is wrong: Corrupted for one of the
// superblock, InvalidPackage if it or its tree cannot be where the signature says.
// `block`: the first 512 bytes or more at superblockOffset.
[[nodiscard]] Verity parseVeritySuperblock(std::span<const std::uint8_t> block, const Sha256& rootHash,
                                           std::uint64_t superblockOffset, std::uint64_t imageSize);

}  // namespace northstar
