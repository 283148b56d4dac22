// SPDX-License-Identifier: Apache-2.0
// The end of a ZIP archive: end record, its zip64 companions and the comment. Internal to src/package.
#pragma once

#include "base/checked.h"
#include "base/std.h"

namespace northstar {

struct ArchiveEnd {
    std::uint64_t entries = 0;
    Extent directory;  // the central directory, bytes; ends where the end records begin
    std::string comment;
};

// Finds the end records, which have to be the very end of the file. Throws InvalidPackage, Failed on a read error.
[[nodiscard]] ArchiveEnd findArchiveEnd(int fd, std::uint64_t fileSize);

// Throws InvalidPackage: "Not a package archive: <why>".
[[noreturn]] void refuseArchive(const std::string& why);

}  // namespace northstar
