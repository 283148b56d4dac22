// SPDX-License-Identifier: Apache-2.0
#include "package/image/hash_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <new>

#include "base/error.h"
#include "package/image/chunks.h"

namespace northstar {
namespace {

constexpr std::uint64_t kBlock = Verity::kBlockSize;
constexpr std::uint64_t kDigest = sizeof(Sha256);
constexpr std::uint64_t kBatch = 256;  // hash blocks read at once

// Are these the bytes whose digest is number `at` of the digests?
bool matches(SaltedHash& hash, Bytes block, Bytes digests, std::uint64_t at) {
    return std::ranges::equal(hash(block), digests.subspan(at * kDigest, kDigest));
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
            if (matches(hash, batch.subspan(i * kBlock, kBlock), digests, done + i)) continue;
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
    std::uint64_t at = verity.hashStartBlock();
    for (const std::uint64_t blocks : verity.levels()) {
        digests = readLevel(fd, image, at, blocks, digests, hash);
        at += blocks;
    }
    digests.resize(verity.dataBlocks * kDigest);  // without what fills up the last block
    return digests;
}

// Checks an image's data blocks against their digests, by several threads. They take chunks in ascending order, and
// after a damaged block only those before it are finished: so the block that is reported is the first damaged one of
// the image. One run an object; what it refers to has to outlive it.
struct DataCheck {
    const int fd;
    const Extent image;
    const Verity& verity;
    const std::vector<std::uint8_t>& leaves;
    const std::stop_token& stop;
    const HashTree::Sink& sink;

    static constexpr std::uint64_t kNone = UINT64_MAX;
    std::atomic<std::uint64_t> damagedBlock{kNone};  // the lowest

    // The calling thread works, too. Throws as HashTree::verifyData does.
    void run(unsigned threads) {
        ::posix_fadvise(fd, static_cast<off_t>(image.offset), static_cast<off_t>(verity.superblockOffset),
                        POSIX_FADV_SEQUENTIAL);  // only advice
        forEachChunk((verity.dataBlocks - 1) / kChunkBlocks + 1, threads, [this] { return makeWork(); });
        if (const std::uint64_t block = damagedBlock; block != kNone) {
            throw Error{Code::Corrupted,
                        "Data block " + std::to_string(block) + " of the image does not match the signed root hash"};
        }
    }

    ChunkWork makeWork() {
        const auto hash = std::make_shared<SaltedHash>(verity.salt);
        return [this, hash, buffer = std::vector<std::uint8_t>(kChunkBlocks * kBlock)](std::uint64_t chunk) mutable {
            check(chunk * kChunkBlocks, buffer, *hash);
        };
    }

    // The chunk that begins with block `first`.
    void check(std::uint64_t first, std::span<std::uint8_t> buffer, SaltedHash& hash) {
        if (first > damagedBlock) return;
        if (stop.stop_requested())
            throw Error{Code::Failed,
                        "Checking the image was given up, as its caller has left or the service stops; try again"};
        const std::uint64_t size = std::min(kChunkBlocks, verity.dataBlocks - first) * kBlock;
        const std::span<std::uint8_t> data = buffer.first(size);
        const std::size_t got = readAt(fd, image.offset + first * kBlock, data);
        const auto whole = data.first(got - got % kBlock);  // a block that is not all there is a damaged one
        auto damaged = firstDamaged(whole, first, hash);
        if (!damaged && whole.size() < size) damaged = first + whole.size() / kBlock;
        if (damaged) return report(*damaged);
        if (sink) sink(first * kBlock, data);
    }

    [[nodiscard]] std::optional<std::uint64_t> firstDamaged(Bytes data, std::uint64_t firstBlock,
                                                            SaltedHash& hash) const {
        for (std::uint64_t block = firstBlock; !data.empty(); ++block, data = data.subspan(kBlock)) {
            if (!matches(hash, data.first(kBlock), leaves, block)) return block;
        }
        return std::nullopt;
    }

    void report(std::uint64_t block) {
        std::uint64_t lowest = damagedBlock;
        while (block < lowest && !damagedBlock.compare_exchange_weak(lowest, block)) {}
    }
};

}  // namespace

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
    std::uint64_t at = verity.hashStartBlock();
    for (const std::uint64_t blocks : verity.levels()) {
        read(at, "Block", ", in its hash tree,");
        at += blocks;
    }
    return read(0, "Data block", "");
}

void HashTree::verifyData(int fd, Extent image, unsigned threads, const std::stop_token& stop, const Sink& sink) const {
    DataCheck{fd, image, verity_, leaves_, stop, sink}.run(threads);
}

}  // namespace northstar
