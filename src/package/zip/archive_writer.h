// SPDX-License-Identifier: Apache-2.0
// The ZIP archive of a package, as it is written: what lies before the image and what lies behind it. archive.h reads
// it. Every byte is the one that the runtime's packer would write, but for images of 4 GiB and more, which that cannot
// write and which are zip64 here.
#pragma once

#include <mutex>

#include "base/std.h"
#include "package/bytes.h"

namespace northstar {

struct ArchiveTexts {
    std::string comment = "version: 0.9.3\n";  // of the archive: the format version
    std::string manifest;
    std::optional<std::string> signature;
};

struct ArchiveFrame {
    std::string head;  // local headers and texts; the image follows at once, at a multiple of 4096 bytes
    std::string tail;  // central directory, end records, comment
};

// `imageSize` in bytes. The size of both parts depends on that of the image and of the texts alone.
[[nodiscard]] ArchiveFrame frameArchive(const ArchiveTexts& texts, std::uint64_t imageSize, std::uint32_t imageCrc);

// The CRC-32 of an image whose pieces come in any order and from several threads.
class PiecewiseCrc {
public:
    // Pieces must not overlap, and together have to cover all from the first byte on.
    void add(std::uint64_t offset, Bytes piece);
    [[nodiscard]] std::uint32_t value() const;

private:
    struct Piece {
        std::uint64_t size;
        std::uint32_t crc;
    };
    std::mutex mutex_;
    std::map<std::uint64_t, Piece> pieces_;  // by offset
    Piece hole_{0, 0};                       // the last one of zeros: sparse images have many
};

}  // namespace northstar
