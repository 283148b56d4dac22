// SPDX-License-Identifier: Apache-2.0
// Makes the dm-verity hash tree of an image: what hash_tree.h checks. Format: see there.
#pragma once

#include "base/checked.h"
#include "base/std.h"
#include "package/bytes.h"
#include "package/image/superblock.h"

namespace northstar {

struct BuiltTree {
    Verity verity;
    std::vector<std::uint8_t>
        blocks;  // as they lie behind the data: the superblock's block, then the tree, top level first
};

// The 4096 bytes of a superblock as cryptsetup writes it: version 1, hash type 1, sha256.
[[nodiscard]] std::vector<std::uint8_t> veritySuperblock(const Verity& verity,
                                                         const std::array<std::uint8_t, 16>& uuid);

// How many bytes superblock and tree take behind so many blocks of data.
[[nodiscard]] std::uint64_t verityOverhead(std::uint64_t dataBlocks);

struct TreeOptions {
    std::vector<std::uint8_t> salt = {};                    // 0 to 256 bytes
    std::optional<std::array<std::uint8_t, 16>> uuid = {};  // without: made of salt and root hash
    unsigned threads = 0;                                   // 0: one per processor
    // Called with each piece of data that was hashed, the zeros included that fill up the last block: by several
    // threads at once, in any order. May throw, which ends the run.
    std::function<void(std::uint64_t offset, Bytes data)> sink = {};
};

// Reads the data, which has at least one byte, and hashes it. The same data and the same salt give the same bytes.
// Takes 1/64 of the data's size in memory. Throws Failed on a read error or if the file is shorter than `data`,
// CapacityExceeded (no memory), and what the sink throws.
[[nodiscard]] BuiltTree buildTree(int fd, Extent data, const TreeOptions& options);

}  // namespace northstar
