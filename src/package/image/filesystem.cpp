// SPDX-License-Identifier: Apache-2.0
#include "package/image/filesystem.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "package/little_endian.h"
#include "package/read_at.h"

namespace northstar {
namespace {

using Bytes = std::span<const std::uint8_t>;

void checkFits(const char* filesystem, std::optional<std::uint64_t> needed, std::uint64_t size) {
    if (needed && *needed <= size) return;
    throw Error{Code::InvalidPackage, std::string{"Invalid fs.img: its "} + filesystem +
                                          " superblock says that it is larger than the image's " +
                                          std::to_string(size) + " bytes"};
}

// Linux: fs/squashfs/squashfs_fs.h, struct squashfs_super_block. Linux mounts version 4.0 only.
bool isSquashfs(Bytes head, std::uint64_t size) {
    if (littleEndian<std::uint32_t>(head, 0) != 0x73717368) return false;
    const auto major = littleEndian<std::uint16_t>(head, 28), minor = littleEndian<std::uint16_t>(head, 30);
    if (major != 4 || minor != 0) {
        throw Error{Code::InvalidPackage, "Unsupported filesystem in fs.img: squashfs version " +
                                              std::to_string(major) + "." + std::to_string(minor) +
                                              ", only 4.0 is supported"};
    }
    checkFits("squashfs", littleEndian<std::uint64_t>(head, 40), size);
    return true;
}

// Linux: fs/erofs/erofs_fs.h, struct erofs_super_block, 1024 bytes into the filesystem.
bool isErofs(Bytes head, std::uint64_t size) {
    constexpr std::size_t kSuper = 1024;
    if (littleEndian<std::uint32_t>(head, kSuper) != 0xe0f5e1e2) return false;
    const std::uint8_t blockBits = head[kSuper + 12];
    if (blockBits < 9 || blockBits > 16) {
        throw Error{Code::InvalidPackage,
                    "Unsupported filesystem in fs.img: erofs with blocks of 2^" + std::to_string(blockBits) + " bytes"};
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

Filesystem detectFilesystem(int fd, Extent data) {
    std::array<std::uint8_t, 2048> head{};
    const bool complete = data.size >= head.size() && readAt(fd, data.offset, head) == head.size();
    if (complete && isSquashfs(head, data.size)) return Filesystem::Squashfs;
    if (complete && isErofs(head, data.size)) return Filesystem::Erofs;
    throw Error{Code::InvalidPackage, "Unsupported filesystem in fs.img: it is neither squashfs nor erofs"};
}

}  // namespace northstar
