// SPDX-License-Identifier: Apache-2.0
// The dm-verity hash tree, checked in user space: for Verify, and for sealed images.
//
// Format (kernel: Documentation/admin-guide/device-mapper/verity.rst, hash type 1): each block of data is hashed as
// SHA-256(salt || block); 128 digests fill a hash block of 4096 bytes, padded with zeros; the hash blocks are hashed
// the same way, level by level, up to one block, whose hash is the root hash. On disk the top level comes first.
#pragma once

#include <stop_token>

#include "base/checked.h"
#include "base/std.h"
#include "package/bytes.h"
#include "package/image/superblock.h"

namespace northstar {

class HashTree {
public:
    // Reads the whole tree of the image at `image` in `fd` and checks it from the root hash down.
    // Takes 1/128 of the image's size in memory.
    // Throws Corrupted (naming the hash block), CapacityExceeded, Failed on a read error.
    static HashTree load(int fd, Extent image, const Verity& verity);

    // Reads data block 0 and checks it along its path from the root hash, one block a level: cheap, however large the
    // image is. Throws Corrupted naming the block, Failed on a read error.
    using Block = std::array<std::uint8_t, Verity::kBlockSize>;
    [[nodiscard]] static Block readFirstBlock(int fd, Extent image, const Verity& verity);

    // Called with each chunk of data that has been checked: byte offset in the image and the bytes. May be
    // called from several threads at once, in any order; may throw, which ends the run.
    using Sink = std::function<void(std::uint64_t offset, Bytes data)>;

    // Reads all data blocks with `threads` threads (0: one per processor) and checks each; what the sink gets
    // is the very bytes that were checked. Throws Corrupted naming the lowest damaged block seen, Failed on a
    // read error or when stopped.
    void verifyData(int fd, Extent image, unsigned threads, const std::stop_token& stop, const Sink& sink = {}) const;

private:
    HashTree(const Verity& verity, std::vector<std::uint8_t> leaves) : verity_{verity}, leaves_{std::move(leaves)} {}

    Verity verity_;
    std::vector<std::uint8_t> leaves_;  // one digest of 32 bytes a data block
};

}  // namespace northstar
