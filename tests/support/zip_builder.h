// SPDX-License-Identifier: Apache-2.0
// Writes ZIP archives whose every field can be made to lie. Fields that are not set are right.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/memory_file.h"

namespace northstar::test {

// What one of the two descriptions of an entry says.
struct ZipHeader {
    std::optional<std::string> name;
    std::optional<std::uint16_t> flags, method;
    std::optional<std::uint32_t> crc;
    std::optional<std::uint64_t> compressedSize, uncompressedSize;
    std::optional<std::uint64_t> headerOffset;  // central directory only
};

struct ZipEntrySpec {
    std::string name;
    std::string content;
    std::uint64_t hole = 0;       // bytes of zeros behind the content that take no memory; they have no part in the CRC
    std::uint64_t alignment = 1;  // of the data, by an extra field as the packer writes it
    std::string behindHole = {};  // bytes, with no part in the CRC either
    std::string gapBefore = {};   // bytes before the local header
    bool zip64 = false;           // sizes in an extra field, whether they need it or not
    std::string comment = {};
    std::uint16_t disk = 0;
    ZipHeader local = {}, central = {};
};

struct ZipSpec {
    std::vector<ZipEntrySpec> entries;
    std::string gapBeforeDirectory, gapBehindDirectory;  // the latter before the end record
    std::string comment;
    std::string trailing;
    bool zip64 = false;                                                       // with a zip64 end record
    std::optional<std::uint64_t> directoryOffset, directorySize, entryCount;  // what the end record says
};

// An archive with the entries that a signed package has; what is in them means nothing.
[[nodiscard]] ZipSpec packageZip();

// CRC-32 as ZIP has it.
[[nodiscard]] std::uint32_t crcOf(const std::string& content);

[[nodiscard]] MemoryFile writeZip(const ZipSpec& spec);

}  // namespace northstar::test
