// SPDX-License-Identifier: Apache-2.0
#include "package/image/filesystem.h"

#include <fmt/format.h>

#include "base/error.h"
#include "package/bytes.h"

namespace northstar {
namespace {

constexpr std::size_t kHead = 2048;

void checkFits(const char* filesystem, std::optional<std::uint64_t> needed, std::uint64_t size) {
    if (needed && *needed <= size) return;
    throw Error{Code::InvalidPackage,
                fmt::format("Invalid fs.img: its {} superblock says that it is larger than the image's {} bytes",
                            filesystem, size)};
}

// Linux: fs/squashfs/squashfs_fs.h, struct squashfs_super_block. Linux mounts version 4.0 only. All that it points to
// are places in the image; which compressors there are is the kernel's to say.
bool isSquashfs(Bytes head, std::uint64_t size) {
    if (littleEndian<std::uint32_t>(head, 0) != 0x73717368) return false;
    const auto major = littleEndian<std::uint16_t>(head, 28), minor = littleEndian<std::uint16_t>(head, 30);
    if (major != 4 || minor != 0) {
        throw Error{Code::InvalidPackage,
                    fmt::format("Unsupported filesystem in fs.img: squashfs version {}.{}, only 4.0 is supported",
                                major, minor)};
    }
    checkFits("squashfs", littleEndian<std::uint64_t>(head, 40), size);
    return true;
}

// Linux: fs/erofs/erofs_fs.h, struct erofs_super_block, 1024 bytes into the filesystem. The checksum is for the kernel.
bool isErofs(Bytes head, std::uint64_t size) {
    constexpr std::size_t kSuper = 1024;
    // EROFS_FEATURE_INCOMPAT_ up to Linux 6.14, all of which say how things lie in the image: ZERO_PADDING 1,
    // COMPR_CFGS and BIG_PCLUSTER 2, CHUNKED_FILE 4, DEVICE_TABLE and COMPR_HEAD2 8, ZTAILPACKING 0x10, FRAGMENTS and
    // DEDUPE 0x20, XATTR_PREFIXES 0x40. That there are devices in the table is told by their number.
    constexpr std::uint32_t kKnownFeatures = 0x7f;
    if (littleEndian<std::uint32_t>(head, kSuper) != 0xe0f5e1e2) return false;
    const auto refuse = [](const std::string& why) {
        throw Error{Code::InvalidPackage, "Unsupported filesystem in fs.img: erofs " + why};
    };
    const std::uint8_t blockBits = head[kSuper + 12];
    if (blockBits < 9 || blockBits > 16) refuse(fmt::format("with blocks of 2^{} bytes", blockBits));
    const auto features = littleEndian<std::uint32_t>(head, kSuper + 80);
    if ((features & ~kKnownFeatures) != 0) {
        refuse(fmt::format("with features that are not known here (feature_incompat {:#x}); make it without them",
                           features & ~kKnownFeatures));
    }
    // The kernel opens each by the path that the table has: a disk of the host, say.
    if (const auto devices = littleEndian<std::uint16_t>(head, kSuper + 86); devices != 0) {
        refuse(fmt::format("that names {} other block devices; make it without --blobdev", devices));
    }
    const auto blocks = littleEndian<std::uint32_t>(head, kSuper + 36);
    checkFits("erofs", checkedMul(blocks, std::uint64_t{1} << blockBits), size);
    return true;
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

}  // namespace northstar
