// SPDX-License-Identifier: Apache-2.0
// All numbers are little endian. The dm-verity superblock: cryptsetup's lib/verity/verity.c, struct verity_sb.
#include "package/image/superblock.h"

#include <fmt/format.h>

#include <numeric>

#include "base/error.h"

namespace northstar {
namespace {

constexpr std::size_t kHead = 2048;  // what the superblock of a filesystem is in
constexpr std::size_t kSuperblockSize = 512;
constexpr std::size_t kAlgorithmAt = 32, kAlgorithmSize = 32;
constexpr std::size_t kSaltSizeAt = 80, kPaddingAt = 82, kSaltAt = 88;
constexpr std::size_t kMaxSalt = 256;
constexpr std::uint64_t kDigestsPerBlock = Verity::kBlockSize / sizeof(Sha256);

void checkFits(const char* filesystem, std::optional<std::uint64_t> needed, std::uint64_t size) {
    if (needed && *needed <= size) return;
    throw Error{Code::InvalidPackage,
                fmt::format("Invalid fs.img: its {} superblock says that it is larger than the image's {} bytes",
                            filesystem, size)};
}

// Linux: fs/squashfs/squashfs_fs.h, struct squashfs_super_block. Linux mounts version 4.0 only. All that it points to
// are places in the image; which compressors there are is the kernel's to say.
bool isSquashfs(Bytes head, std::uint64_t size) {
    if (le32(head, 0) != 0x73717368) return false;
    const auto major = le16(head, 28), minor = le16(head, 30);
    if (major != 4 || minor != 0) {
        throw Error{Code::InvalidPackage,
                    fmt::format("Unsupported filesystem in fs.img: squashfs version {}.{}, only 4.0 is supported",
                                major, minor)};
    }
    checkFits("squashfs", le64(head, 40), size);
    return true;
}

// Linux: fs/erofs/erofs_fs.h, struct erofs_super_block, 1024 bytes into the filesystem. The checksum is for the kernel.
bool isErofs(Bytes head, std::uint64_t size) {
    constexpr std::size_t kSuper = 1024;
    // EROFS_FEATURE_INCOMPAT_ up to Linux 6.14, all of which say how things lie in the image: ZERO_PADDING 1,
    // COMPR_CFGS and BIG_PCLUSTER 2, CHUNKED_FILE 4, DEVICE_TABLE and COMPR_HEAD2 8, ZTAILPACKING 0x10, FRAGMENTS and
    // DEDUPE 0x20, XATTR_PREFIXES 0x40. That there are devices in the table is told by their number.
    constexpr std::uint32_t kKnownFeatures = 0x7f;
    if (le32(head, kSuper) != 0xe0f5e1e2) return false;
    const auto refuse = [](const std::string& why) {
        throw Error{Code::InvalidPackage, "Unsupported filesystem in fs.img: erofs " + why};
    };
    const std::uint8_t blockBits = head[kSuper + 12];
    if (blockBits < 9 || blockBits > 16) refuse(fmt::format("with blocks of 2^{} bytes", blockBits));
    const auto features = le32(head, kSuper + 80);
    if ((features & ~kKnownFeatures) != 0) {
        refuse(fmt::format("with features that are not known here (feature_incompat {:#x}); make it without them",
                           features & ~kKnownFeatures));
    }
    // The kernel opens each by the path that the table has: a disk of the host, say.
    if (const auto devices = le16(head, kSuper + 86); devices != 0) {
        refuse(fmt::format("that names {} other block devices; make it without --blobdev", devices));
    }
    const auto blocks = le32(head, kSuper + 36);
    checkFits("erofs", checkedMul(blocks, std::uint64_t{1} << blockBits), size);
    return true;
}

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
bool holds(Bytes field, std::string_view text) {
    return std::equal(text.begin(), text.end(), field.begin()) &&
           std::all_of(field.begin() + static_cast<std::ptrdiff_t>(text.size()), field.end(),
                       [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

const char* toString(Filesystem filesystem) {
    switch (filesystem) {
        case Filesystem::Squashfs: return "squashfs";
        case Filesystem::Erofs: return "erofs";
    }
    return "";
}

Filesystem parseFilesystem(Bytes head, std::uint64_t size) {
    const bool complete = head.size() >= kHead && size >= kHead;
    if (complete && isSquashfs(head, size)) return Filesystem::Squashfs;
    if (complete && isErofs(head, size)) return Filesystem::Erofs;
    throw Error{Code::InvalidPackage, "Unsupported filesystem in fs.img: it is neither squashfs nor erofs"};
}

Filesystem readFilesystem(int fd, Extent data) {
    std::array<std::uint8_t, kHead> head{};
    return parseFilesystem(Bytes{head}.first(readAt(fd, data.offset, head)), data.size);
}

std::vector<std::uint64_t> Verity::levels() const {
    std::vector<std::uint64_t> sizes;
    for (std::uint64_t count = dataBlocks; count > 1;) {
        count = count / kDigestsPerBlock + (count % kDigestsPerBlock != 0 ? 1 : 0);
        sizes.insert(sizes.begin(), count);
    }
    return sizes;
}

std::uint64_t Verity::hashBlocks() const {
    const auto sizes = levels();
    return std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
}

Verity parseVeritySuperblock(Bytes block, const Sha256& rootHash, std::uint64_t superblockOffset,
                             std::uint64_t imageSize) {
    if (superblockOffset == 0 || superblockOffset % Verity::kBlockSize != 0) {
        refuse(Code::InvalidPackage, fmt::format("its offset {} is not a positive multiple of 4096", superblockOffset));
    }
    if (!Extent{superblockOffset, Verity::kBlockSize}.within(imageSize) || block.size() < kSuperblockSize) {
        refuse(Code::InvalidPackage, fmt::format("its offset {} is beyond the end of the image", superblockOffset));
    }
    if (!holds(block.first(8), "verity")) refuseChanged("no signature \"verity\" where the package says it is");
    expect("version", le32(block, 8), 1);
    expect("hash type", le32(block, 12), 1);
    if (!holds(block.subspan(kAlgorithmAt, kAlgorithmSize), "sha256")) refuseChanged("algorithm is not sha256");
    expect("data block size", le32(block, 64), Verity::kBlockSize);
    expect("hash block size", le32(block, 68), Verity::kBlockSize);
    expect("number of data blocks", le64(block, 72), superblockOffset / Verity::kBlockSize);
    const auto saltSize = le16(block, kSaltSizeAt);
    if (saltSize > kMaxSalt) refuseChanged(fmt::format("salt size is {}, at most 256 is allowed", saltSize));
    if (!holds(block.subspan(kPaddingAt, kSaltAt - kPaddingAt), "")) refuseChanged("padding is not zero");

    Verity verity;
    verity.rootHash = rootHash;
    verity.superblockOffset = superblockOffset;
    verity.dataBlocks = superblockOffset / Verity::kBlockSize;
    const auto salt = block.subspan(kSaltAt, saltSize);
    verity.salt.assign(salt.begin(), salt.end());
    // Superblock and tree lie behind the data, inside the image. hashBlocks() is below dataBlocks + 64, so the sum
    // fits.
    const auto end = checkedMul(verity.hashStartBlock() + verity.hashBlocks(), Verity::kBlockSize);
    if (!end || *end > imageSize) refuse(Code::InvalidPackage, "the hash tree does not fit into the image");
    return verity;
}

}  // namespace northstar
