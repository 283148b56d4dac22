// SPDX-License-Identifier: Apache-2.0
#include "package/image/hash_tree.h"

#include <fmt/format.h>

#include <cstring>
#include <new>

#include "base/error.h"
#include "package/digest.h"
#include "package/image/data_check.h"
#include "package/image/verity.h"
#include "package/read_at.h"

namespace northstar {
namespace {

constexpr std::uint64_t kBlock = Verity::kBlockSize;
constexpr std::uint64_t kDigest = sizeof(Sha256);
constexpr std::uint64_t kDigestsPerBlock = kBlock / kDigest;
constexpr std::uint64_t kBatch = 256;  // hash blocks read at once

std::uint64_t blocksFor(std::uint64_t digests) {
    return digests / kDigestsPerBlock + (digests % kDigestsPerBlock != 0 ? 1 : 0);
}

// Blocks of each level, the one just above the data first.
std::vector<std::uint64_t> levelSizes(std::uint64_t dataBlocks) {
    std::vector<std::uint64_t> sizes;
    for (std::uint64_t count = dataBlocks; count > 1;) {
        count = blocksFor(count);
        sizes.push_back(count);
    }
    return sizes;
}

// One level of the tree, checked against the digests in the level above. Grows as blocks turn out to be good,
// so that a tree that is a lie costs no memory. `firstBlock` counts from the start of the image.
std::vector<std::uint8_t> readLevel(int fd, Extent image, std::uint64_t firstBlock, std::uint64_t blocks,
                                    const std::vector<std::uint8_t>& digests, SaltedHash& hash) {
    std::vector<std::uint8_t> level;
    for (std::uint64_t done = 0; done < blocks;) {
        const std::uint64_t count = std::min(kBatch, blocks - done);
        level.resize((done + count) * kBlock);
        const std::span<std::uint8_t> batch = std::span{level}.subspan(done * kBlock);
        const std::size_t got = readAt(fd, image.offset + (firstBlock + done) * kBlock, batch);
        std::fill(batch.begin() + static_cast<std::ptrdiff_t>(got), batch.end(), std::uint8_t{0});
        for (std::uint64_t i = 0; i < count; ++i) {
            const Sha256 digest = hash(batch.subspan(i * kBlock, kBlock));
            if (std::memcmp(digest.data(), digests.data() + (done + i) * kDigest, kDigest) == 0) continue;
            throw Error{Code::Corrupted,
                        fmt::format("Block {} of the image, in its hash tree, does not match the signed root hash",
                                    firstBlock + done + i)};
        }
        done += count;
    }
    return level;
}

std::vector<std::uint8_t> readLeaves(int fd, Extent image, const Verity& verity) {
    SaltedHash hash{verity.salt};
    std::vector<std::uint8_t> digests{verity.rootHash.begin(), verity.rootHash.end()};
    const std::vector<std::uint64_t> sizes = levelSizes(verity.dataBlocks);
    std::uint64_t at = verity.hashStartBlock();
    for (auto blocks = sizes.rbegin(); blocks != sizes.rend(); ++blocks) {  // the top level comes first on disk
        digests = readLevel(fd, image, at, *blocks, digests, hash);
        at += *blocks;
    }
    digests.resize(verity.dataBlocks * kDigest);  // without what fills up the last block
    return digests;
}

}  // namespace

HashTree::HashTree(const Verity& verity, std::vector<std::uint8_t> leaves)
    : verity_{verity}, leaves_{std::move(leaves)} {}

HashTree HashTree::load(int fd, Extent image, const Verity& verity) {
    const auto end = checkedMul(verity.hashStartBlock() + verity.hashBlocks(), kBlock);
    if (verity.dataBlocks == 0 || !end || !Extent{image.offset, *end}.within(INT64_MAX) || *end > image.size) {
        throw Error{Code::Failed, "The hash tree does not fit into the image"};
    }
    try {
        return HashTree{verity, readLeaves(fd, image, verity)};
    } catch (const std::bad_alloc&) {
        throw Error{Code::CapacityExceeded,
                    "Not enough memory for the hash tree of " + std::to_string(verity.dataBlocks) + " blocks"};
    }
}

HashTree::Block HashTree::readFirstBlock(int fd, Extent image, const Verity& verity) {
    SaltedHash hash{verity.salt};
    Sha256 expected = verity.rootHash;
    const auto read = [&](std::uint64_t block, const char* which, const char* where) {
        Block bytes{};
        const std::size_t got = readAt(fd, image.offset + block * kBlock, bytes);
        if (got != bytes.size() || hash(bytes) != expected) {
            throw Error{Code::Corrupted,
                        fmt::format("{} {} of the image{} does not match the signed root hash", which, block, where)};
        }
        std::copy_n(bytes.begin(), expected.size(), expected.begin());
        return bytes;
    };
    const std::vector<std::uint64_t> sizes = levelSizes(verity.dataBlocks);
    std::uint64_t at = verity.hashStartBlock();
    for (auto blocks = sizes.rbegin(); blocks != sizes.rend(); ++blocks) {
        read(at, "Block", ", in its hash tree,");
        at += *blocks;
    }
    return read(0, "Data block", "");
}

void HashTree::verifyData(int fd, Extent image, unsigned threads, const std::stop_token& stop, const Sink& sink) const {
    DataCheck{fd, image, verity_, leaves_, stop, sink}.run(threads);
}

}  // namespace northstar
