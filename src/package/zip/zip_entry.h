// SPDX-License-Identifier: Apache-2.0
// One entry of a ZIP archive, of which both descriptions (local header, central directory) say the same. Internal.
#pragma once

#include "base/checked.h"
#include "base/std.h"

namespace northstar {

struct ZipEntry {
    std::string name;
    std::uint32_t crc = 0;
    bool zip64 = false;              // its size is written in an extra field
    std::uint64_t headerOffset = 0;  // of its local header
    Extent data;                     // within the file
    Extent directory;                // its record in the central directory
};

// Reads the record of the central directory at `at`, and the local header that it leads to. Throws InvalidPackage
// unless the entry is stored as it is, not encrypted, inside the file, and described the same twice; Failed on a read
// error.
[[nodiscard]] ZipEntry readZipEntry(int fd, std::uint64_t fileSize, std::uint64_t at);

}  // namespace northstar
