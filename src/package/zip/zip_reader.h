// SPDX-License-Identifier: Apache-2.0
// minizip on a file descriptor: walks the entries of a ZIP archive and reads the small ones. Internal.
//
// What minizip is trusted with: finding the central directory and walking it, where an entry's data begins, reading it,
// its CRC. What it does not see, and is checked by hand beside it, with its answers to compare:
// - it takes end records that have bytes between themselves and the directory, or behind the comment, looks for zip64
//   ones in all of the last 64 KiB and takes a stray one for the archive's, and does not tell a zip64 archive's comment
//   (archive_end.h);
// - of a local header it compares method, CRC and the lower halves of the sizes; neither name, flags nor zip64 sizes;
// - version 1.1 does not read zip64 sizes on 64-bit systems, newer ones do;
// - it compares the CRC only once it has seen the end of what it takes for the size.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/checked.h"
#include "package/zip/archive_end.h"
#include "package/zip/zip_source.h"

namespace northstar {

// One entry, of which both descriptions (local header, central directory) say the same.
struct ZipEntry {
    std::string name;
    std::uint64_t headerOffset = 0;  // of its local header
    Extent data;                     // within the file
    Extent directory;                // its record in the central directory
};

class ZipReader {
public:
    // Borrows the descriptor; reads at positions of its own. Throws InvalidPackage if minizip sees another
    // archive than `end` tells of.
    ZipReader(int fd, std::uint64_t fileSize, const ArchiveEnd& end);
    ZipReader(const ZipReader&) = delete;
    ZipReader& operator=(const ZipReader&) = delete;

    // The entry that the reader stands at. Throws InvalidPackage unless it is stored as it is, not encrypted,
    // inside the file, and described the same twice.
    [[nodiscard]] ZipEntry entry();

    struct Content {
        std::string bytes;
        bool matchesCrc = true;
    };
    // The caller has bounded the size.
    [[nodiscard]] Content read(const ZipEntry& entry);

    // To the next entry. False after the last one.
    bool next();

private:
    struct Central;

    [[nodiscard]] Central central();
    [[nodiscard]] std::vector<std::uint8_t> localExtra();
    void checkLocalHeader(std::uint64_t at, const Central& central, const std::vector<std::uint8_t>& extra) const;
    void check(int result, const char* what);

    struct Close {
        void operator()(void* zip) const noexcept { unzClose(zip); }
    };
    int fd_;
    std::uint64_t fileSize_;
    std::unique_ptr<ZipSource> source_;
    std::unique_ptr<void, Close> zip_;  // unzFile
};

}  // namespace northstar
