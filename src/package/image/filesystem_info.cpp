// SPDX-License-Identifier: Apache-2.0
// Field offsets: Linux, fs/squashfs/squashfs_fs.h and fs/erofs/erofs_fs.h.
#include "package/image/filesystem_info.h"

#include "package/bytes.h"

namespace northstar {
namespace {

// squashfs names its compressor even if nothing is compressed; then the flags for inodes (1) and data (2) say so.
std::string squashfsCompression(Bytes head) {
    constexpr std::array<const char*, 7> kNames{"unknown", "gzip", "lzma", "lzo", "xz", "lz4", "zstd"};
    constexpr unsigned kStored = 3;
    if ((le16(head, 24) & kStored) == kStored) return "none";
    const auto id = le16(head, 20);
    return id < kNames.size() ? kNames.at(id) : kNames.front();
}

// Bits of available_compr_algs. Without COMPR_CFGS (2) in feature_incompat the place holds a distance for LZ4, which
// says whether anything is compressed in images with LZ4_0PADDING (1) only.
std::string erofsCompression(Bytes super) {
    constexpr std::array<const char*, 4> kNames{"lz4", "lzma", "deflate", "zstd"};
    const auto features = le32(super, 80), algorithms = std::uint32_t{le16(super, 84)};
    if ((features & 2U) == 0) return (features & 1U) != 0 ? "lz4" : "none";
    std::string names;
    for (std::size_t bit = 0; bit < kNames.size(); ++bit) {
        if ((algorithms & (1U << bit)) != 0) names += (names.empty() ? "" : "+") + std::string{kNames.at(bit)};
    }
    return names.empty() ? "none" : names;
}

}  // namespace

FilesystemInfo describeFilesystem(int fd, Extent data) {
    std::array<std::uint8_t, 2048> head{};
    const std::size_t got = readAt(fd, data.offset, head);
    FilesystemInfo info;
    info.type = parseFilesystem(Bytes{head}.first(got), data.size);
    if (info.type == Filesystem::Squashfs) {
        info.compression = squashfsCompression(head);
        info.inodes = le32(head, 4);
        info.created = le32(head, 8);
        info.blockSize = le32(head, 12);
        info.bytesUsed = le64(head, 40);
        return info;
    }
    const Bytes super = Bytes{head}.subspan(1024);
    info.compression = erofsCompression(super);
    info.blockSize = std::uint64_t{1} << super[12];  // 9 to 16: checked above
    info.inodes = le64(super, 16);
    info.created = static_cast<std::int64_t>(le64(super, 24));
    info.bytesUsed = le32(super, 36) * info.blockSize;
    return info;
}

}  // namespace northstar
