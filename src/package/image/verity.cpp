// SPDX-License-Identifier: Apache-2.0
// The dm-verity superblock: cryptsetup's lib/verity/verity.c, struct verity_sb; all numbers little endian.
#include "package/image/verity.h"

#include <fmt/format.h>

#include "base/checked.h"
#include "base/error.h"
#include "package/bytes.h"

namespace northstar {
namespace {

constexpr std::size_t kSuperblockSize = 512;
constexpr std::size_t kAlgorithmAt = 32, kAlgorithmSize = 32;
constexpr std::size_t kSaltSizeAt = 80, kPaddingAt = 82, kSaltAt = 88;
constexpr std::size_t kMaxSalt = 256;
constexpr std::uint64_t kDigestsPerBlock = Verity::kBlockSize / sizeof(Sha256);

[[noreturn]] void refuse(Code code, const std::string& why) {
    throw Error{code, "Invalid dm-verity superblock: " + why};
}

// The packer wrote what was signed, so a superblock that does not fit to it was changed afterwards.
[[noreturn]] void refuseChanged(const std::string& why) { refuse(Code::Corrupted, why); }

void expect(const char* field, std::uint64_t value, std::uint64_t expected) {
    if (value == expected) return;
    refuseChanged(fmt::format("{} is {}, expected {}", field, value, expected));
}

// A field of text, filled up with NULs.
bool holds(std::span<const std::uint8_t> field, std::string_view text) {
    return std::equal(text.begin(), text.end(), field.begin()) &&
           std::all_of(field.begin() + static_cast<std::ptrdiff_t>(text.size()), field.end(),
                       [](std::uint8_t byte) { return byte == 0; });
}

// Superblock and tree lie behind the data, inside the image. hashBlocks() is below dataBlocks + 64, so the sums fit.
void checkTreeFits(const Verity& verity, std::uint64_t imageSize) {
    const std::uint64_t blocks = verity.hashStartBlock() + verity.hashBlocks();
    const auto end = checkedMul(blocks, Verity::kBlockSize);
    if (!end || *end > imageSize) refuse(Code::InvalidPackage, "the hash tree does not fit into the image");
}

}  // namespace

std::uint64_t Verity::hashBlocks() const noexcept {
    std::uint64_t total = 0;
    for (std::uint64_t level = dataBlocks; level > 1;) {
        level = level / kDigestsPerBlock + (level % kDigestsPerBlock != 0 ? 1 : 0);
        total += level;
    }
    return total;
}

Verity parseVeritySuperblock(std::span<const std::uint8_t> block, const Sha256& rootHash,
                             std::uint64_t superblockOffset, std::uint64_t imageSize) {
    if (superblockOffset == 0 || superblockOffset % Verity::kBlockSize != 0) {
        refuse(Code::InvalidPackage, fmt::format("its offset {} is not a positive multiple of 4096", superblockOffset));
    }
    if (!Extent{superblockOffset, Verity::kBlockSize}.within(imageSize) || block.size() < kSuperblockSize) {
        refuse(Code::InvalidPackage, fmt::format("its offset {} is beyond the end of the image", superblockOffset));
    }
    if (!holds(block.first(8), "verity")) refuseChanged("no signature \"verity\" where the package says it is");
    expect("version", littleEndian<std::uint32_t>(block, 8), 1);
    expect("hash type", littleEndian<std::uint32_t>(block, 12), 1);
    if (!holds(block.subspan(kAlgorithmAt, kAlgorithmSize), "sha256")) refuseChanged("algorithm is not sha256");
    expect("data block size", littleEndian<std::uint32_t>(block, 64), Verity::kBlockSize);
    expect("hash block size", littleEndian<std::uint32_t>(block, 68), Verity::kBlockSize);
    expect("number of data blocks", littleEndian<std::uint64_t>(block, 72), superblockOffset / Verity::kBlockSize);
    const auto saltSize = littleEndian<std::uint16_t>(block, kSaltSizeAt);
    if (saltSize > kMaxSalt) refuseChanged(fmt::format("salt size is {}, at most 256 is allowed", saltSize));
    if (!holds(block.subspan(kPaddingAt, kSaltAt - kPaddingAt), "")) refuseChanged("padding is not zero");

    Verity verity;
    verity.rootHash = rootHash;
    verity.superblockOffset = superblockOffset;
    verity.dataBlocks = superblockOffset / Verity::kBlockSize;
    const auto salt = block.subspan(kSaltAt, saltSize);
    verity.salt.assign(salt.begin(), salt.end());
    checkTreeFits(verity, imageSize);
    return verity;
}

}  // namespace northstar
