// SPDX-License-Identifier: Apache-2.0
// Field offsets: PKWARE's APPNOTE.TXT, 4.3.7 (local header), 4.3.12 (central directory), 4.5.3 (zip64 extra
// field).
#include "package/zip/zip_entry.h"

#include <fmt/format.h>

#include "base/error.h"
#include "package/little_endian.h"
#include "package/read_at.h"
#include "package/zip/archive_end.h"

namespace northstar {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint64_t kLocalHeaderSize = 30, kCentralRecordSize = 46;
constexpr std::size_t kMaxName = 64;  // ours: the longest name in a package has 14 characters
constexpr std::uint32_t kInZip64 = 0xffffffff;
// Bit 11: the name is UTF-8. Bits 1 and 2: how hard a compressor tried. No encryption, no data descriptor.
constexpr unsigned kAllowedFlags = 0x0806;

struct Sizes {
    std::uint64_t uncompressed = 0, compressed = 0;
    bool operator==(const Sizes&) const = default;
};

// Compressed and uncompressed size lie side by side in both descriptions; sizes from 4 GiB on are in an extra field.
Sizes sizesOf(Bytes fields, Bytes extra) {
    Sizes sizes{littleEndian<std::uint32_t>(fields, 4), littleEndian<std::uint32_t>(fields, 0)};
    if (sizes.uncompressed != kInZip64 && sizes.compressed != kInZip64) return sizes;
    while (extra.size() >= 4) {
        const auto id = littleEndian<std::uint16_t>(extra, 0), size = littleEndian<std::uint16_t>(extra, 2);
        extra = extra.subspan(4);
        if (size > extra.size()) break;
        if (id == 1) {
            Bytes values = extra.first(size);
            for (std::uint64_t* field : {&sizes.uncompressed, &sizes.compressed}) {
                if (*field != kInZip64) continue;
                if (values.size() < 8) refuseArchive("a zip64 field is too short");
                *field = littleEndian<std::uint64_t>(values, 0);
                values = values.subspan(8);
            }
            return sizes;
        }
        extra = extra.subspan(size);
    }
    refuseArchive("a zip64 field is missing");
}

// All of them, or fewer where the file ends.
std::vector<std::uint8_t> read(int fd, std::uint64_t at, std::size_t size) {
    std::vector<std::uint8_t> bytes(size);
    bytes.resize(readAt(fd, at, bytes));
    return bytes;
}

bool begins(Bytes bytes, std::uint64_t size, std::uint32_t magic) {
    return bytes.size() == size && littleEndian<std::uint32_t>(bytes, 0) == magic;
}

}  // namespace

ZipEntry readZipEntry(int fd, std::uint64_t fileSize, std::uint64_t at) {
    const auto record = read(fd, at, kCentralRecordSize);
    if (!begins(record, kCentralRecordSize, 0x02014b50)) refuseArchive("it has a damaged central directory");
    const Bytes central{record};
    const auto nameSize = littleEndian<std::uint16_t>(central, 28),
               extraSize = littleEndian<std::uint16_t>(central, 30);
    if (nameSize > kMaxName) refuseArchive("an entry has a name that is too long");
    const auto tail = read(fd, at + kCentralRecordSize, std::size_t{nameSize} + extraSize);
    if (tail.size() != std::size_t{nameSize} + extraSize) refuseArchive("it has a damaged central directory");

    ZipEntry entry;
    entry.name.assign(tail.begin(), tail.begin() + nameSize);
    entry.crc = littleEndian<std::uint32_t>(central, 16);
    entry.headerOffset = littleEndian<std::uint32_t>(central, 42);
    entry.directory = {at, kCentralRecordSize + tail.size()};
    const Sizes sizes = sizesOf(central.subspan(20), Bytes{tail}.subspan(nameSize));
    entry.zip64 =
        littleEndian<std::uint32_t>(central, 20) == kInZip64 || littleEndian<std::uint32_t>(central, 24) == kInZip64;
    const auto refuse = [&](const char* why) {
        refuseArchive(fmt::format("the entry '{}' {}", printable(entry.name), why));
    };
    if (littleEndian<std::uint16_t>(central, 10) != 0) refuse("is compressed; all entries have to be stored");
    if ((littleEndian<std::uint16_t>(central, 8) & ~kAllowedFlags) != 0) {
        refuse("is encrypted or has a data descriptor");
    }
    if (sizes.compressed != sizes.uncompressed) refuse("has two different sizes");
    if (littleEndian<std::uint16_t>(central, 34) != 0) refuse("is in another part of the archive");
    if (littleEndian<std::uint16_t>(central, 32) != 0) refuse("has a comment");

    // Flags, method, time and CRC lie in the same order in both.
    constexpr auto kDiffers = "has a local header that differs from the central directory";
    const auto header = read(fd, entry.headerOffset, kLocalHeaderSize);
    const Bytes local{header};
    if (!begins(local, kLocalHeaderSize, 0x04034b50) ||
        !std::ranges::equal(local.subspan(6, 12), central.subspan(8, 12)) ||
        littleEndian<std::uint16_t>(local, 26) != nameSize) {
        refuse(kDiffers);
    }
    const std::size_t rest = std::size_t{nameSize} + littleEndian<std::uint16_t>(local, 28);
    const auto localTail = read(fd, entry.headerOffset + kLocalHeaderSize, rest);
    if (localTail.size() != rest || !std::equal(tail.begin(), tail.begin() + nameSize, localTail.begin()) ||
        sizesOf(local.subspan(18), Bytes{localTail}.subspan(nameSize)) != sizes) {
        refuse(kDiffers);
    }
    entry.data = {entry.headerOffset + kLocalHeaderSize + rest, sizes.compressed};
    if (!entry.data.within(fileSize)) refuse("is not inside the file");
    return entry;
}

}  // namespace northstar
