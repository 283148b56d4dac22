// SPDX-License-Identifier: Apache-2.0
#include "package/image/tree_builder.h"

#include <new>

#include "base/error.h"
#include "package/image/chunks.h"

namespace northstar {
namespace {

constexpr std::uint64_t kBlock = Verity::kBlockSize;
constexpr std::uint64_t kDigest = sizeof(Sha256);

std::uint64_t blocksFor(std::uint64_t bytes) { return bytes / kBlock + (bytes % kBlock != 0 ? 1 : 0); }

// The digest of each of the blocks that `bytes` begins with, one behind the other.
void hashBlocks(Bytes bytes, SaltedHash& hash, std::span<std::uint8_t> digests) {
    for (; !bytes.empty(); bytes = bytes.subspan(kBlock), digests = digests.subspan(kDigest)) {
        const Sha256 digest = hash(bytes.first(kBlock));
        std::ranges::copy(digest, digests.begin());
    }
}

// Filled up with zeros to whole blocks.
std::vector<std::uint8_t> hashData(int fd, Extent data, const TreeOptions& options) {
    const std::uint64_t blocks = blocksFor(data.size);
    std::vector<std::uint8_t> digests(blocksFor(blocks * kDigest) * kBlock);
    readChunks(fd, data, options.threads, [&]() -> ChunkSink {
        return [&, hash = std::make_shared<SaltedHash>(options.salt)](std::uint64_t offset, Bytes piece) {
            hashBlocks(piece, *hash, std::span{digests}.subspan(offset / kBlock * kDigest));
            if (options.sink) options.sink(offset, piece);
        };
    });
    return digests;
}

void put(std::span<std::uint8_t> bytes, std::size_t offset, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes[offset + i] = static_cast<std::uint8_t>(value >> (8U * i));
}

void put(std::span<std::uint8_t> bytes, std::size_t offset, std::string_view text) {
    std::ranges::copy(text, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

// Version and variant of a random UUID, RFC 9562: programs expect one of them.
std::array<std::uint8_t, 16> uuidOf(const Verity& verity) {
    std::vector<std::uint8_t> text = verity.salt;
    text.insert(text.end(), verity.rootHash.begin(), verity.rootHash.end());
    const Sha256 digest = sha256(Bytes{text});
    std::array<std::uint8_t, 16> uuid{};
    std::copy_n(digest.begin(), uuid.size(), uuid.begin());
    uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0fU) | 0x40U);
    uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3fU) | 0x80U);
    return uuid;
}

BuiltTree build(int fd, Extent data, const TreeOptions& options) {
    BuiltTree built;
    Verity& verity = built.verity;
    verity.salt = options.salt;
    verity.dataBlocks = blocksFor(data.size);
    verity.superblockOffset = verity.dataBlocks * kBlock;
    SaltedHash hash{verity.salt};
    std::vector<std::vector<std::uint8_t>> levels;  // the lowest first
    std::vector<std::uint8_t> digests = hashData(fd, data, options);
    for (std::uint64_t count = verity.dataBlocks; count > 1;) {
        count = blocksFor(count * kDigest);
        levels.push_back(std::move(digests));
        digests.assign(blocksFor(count * kDigest) * kBlock, 0);
        hashBlocks(levels.back(), hash, digests);
    }
    std::copy_n(digests.begin(), kDigest, verity.rootHash.begin());
    built.blocks = veritySuperblock(verity, options.uuid ? *options.uuid : uuidOf(verity));
    built.blocks.reserve(verityOverhead(verity.dataBlocks));
    while (!levels.empty()) {
        built.blocks.insert(built.blocks.end(), levels.back().begin(), levels.back().end());
        levels.pop_back();
    }
    return built;
}

}  // namespace

std::vector<std::uint8_t> veritySuperblock(const Verity& verity, const std::array<std::uint8_t, 16>& uuid) {
    std::vector<std::uint8_t> block(kBlock);
    put(block, 0, "verity");
    put(block, 8, 1, 4);   // version
    put(block, 12, 1, 4);  // hash type
    std::ranges::copy(uuid, block.begin() + 16);
    put(block, 32, "sha256");
    put(block, 64, kBlock, 4);  // of data
    put(block, 68, kBlock, 4);  // of the tree
    put(block, 72, verity.dataBlocks, 8);
    put(block, 80, verity.salt.size(), 2);
    std::ranges::copy(verity.salt, block.begin() + 88);
    return block;
}

std::uint64_t verityOverhead(std::uint64_t dataBlocks) {
    Verity verity;
    verity.dataBlocks = dataBlocks;
    return (1 + verity.hashBlocks()) * kBlock;
}

BuiltTree buildTree(int fd, Extent data, const TreeOptions& options) {
    constexpr std::size_t kMaxSalt = 256;  // what the superblock has room for
    if (data.size == 0 || !data.within(INT64_MAX)) throw Error{Code::Failed, "There is no data to make a hash tree of"};
    if (options.salt.size() > kMaxSalt) throw Error{Code::InvalidArgs, "The salt is longer than 256 bytes"};
    try {
        return build(fd, data, options);
    } catch (const std::bad_alloc&) {
        throw Error{Code::CapacityExceeded,
                    "Not enough memory for the hash tree of " + std::to_string(data.size) + " bytes"};
    }
}

}  // namespace northstar
