// SPDX-License-Identifier: Apache-2.0
// What a filesystem's superblock says of itself, to be shown. Nothing is believed.
#pragma once

#include "base/checked.h"
#include "base/std.h"
#include "package/image/superblock.h"

namespace northstar {

struct FilesystemInfo {
    Filesystem type{};
    std::string compression;      // "gzip", "none"; erofs may have several: "lz4+lzma"
    std::uint64_t blockSize = 0;  // bytes
    std::uint64_t bytesUsed = 0;  // of the image
    std::uint64_t inodes = 0;     // files, directories and the rest
    std::int64_t created = 0;     // seconds since 1970
};

// Reads the superblock at the start of `data`. Throws as readFilesystem().
[[nodiscard]] FilesystemInfo describeFilesystem(int fd, Extent data);

}  // namespace northstar
