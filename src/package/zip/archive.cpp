// SPDX-License-Identifier: Apache-2.0
// From the end of the file to its beginning: end records, central directory, local headers, data. Field offsets:
// PKWARE's APPNOTE.TXT, 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to 4.3.16 (end), 4.5.3 (zip64 extra
// field).
#include "package/zip/archive.h"

#include <fmt/format.h>
#include <zlib.h>

#include "base/error.h"
#include "package/bytes.h"

namespace northstar {
namespace {

constexpr std::uint64_t kMaxMetadata = std::uint64_t{1} << 20U;
constexpr std::uint64_t kAlignment = 4096;   // dm-verity's block size, and the loop device's
constexpr std::uint64_t kMaxComment = 1024;  // ours: the comment is one line with a version
constexpr std::uint64_t kRecordSize = 22, kLocatorSize = 20, kRecord64Size = 56;
using Magic = std::array<std::uint8_t, 4>;
constexpr Magic kLocalMagic{'P', 'K', 3, 4}, kCentralMagic{'P', 'K', 1, 2}, kRecordMagic{'P', 'K', 5, 6},
    kLocatorMagic{'P', 'K', 6, 7}, kRecord64Magic{'P', 'K', 6, 6};
constexpr std::uint64_t kLocalHeaderSize = 30, kCentralRecordSize = 46;
constexpr std::size_t kMaxName = 64;  // ours: the longest name in a package has 14 characters
constexpr std::uint32_t kInZip64 = 0xffffffff;
// Bit 11: the name is UTF-8. Bits 1 and 2: how hard a compressor tried. No encryption, no data descriptor.
constexpr unsigned kAllowedFlags = 0x0806;

// The end records and the comment.
struct ArchiveEnd {
    std::uint64_t entries = 0;
    Extent directory;  // the central directory, bytes; ends where the end records begin
    std::string comment;
};

// One entry, of which both descriptions (local header, central directory) say the same.
struct ZipEntry {
    std::string name;
    std::uint32_t crc = 0;
    bool zip64 = false;              // its size is written in an extra field
    std::uint64_t headerOffset = 0;  // of its local header
    Extent data;                     // within the file
    std::uint64_t recordSize = 0;    // of its record in the central directory
};

// Throws InvalidPackage.
[[noreturn]] void refuseArchive(const std::string& why) {
    throw Error{Code::InvalidPackage, "Not a package archive: " + why};
}

// All of them, or fewer where the file ends.
std::vector<std::uint8_t> read(int fd, std::uint64_t at, std::size_t size) {
    std::vector<std::uint8_t> bytes(size);
    bytes.resize(readAt(fd, at, bytes));
    return bytes;
}

bool startsWith(Bytes bytes, const Magic& magic) {
    return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

// A field of the end record: the same as in its zip64 companion, or all ones where that one has the value.
template <typename Number>
void checkNarrow(Bytes record, std::size_t offset, std::uint64_t wide) {
    const auto narrow = littleEndian<Number>(record, offset);
    if (narrow != static_cast<Number>(~Number{0}) && narrow != wide) refuseArchive("its two end records differ");
}

// Reads the zip64 end record and its locator, which lie before the end record at `recordAt`. Returns where they begin.
std::uint64_t readZip64(int fd, Bytes record, std::uint64_t recordAt, Bytes locator, ArchiveEnd& end) {
    const std::uint64_t at = le64(locator, 8);
    std::array<std::uint8_t, kRecord64Size> wide{};
    if (checkedAdd(at, kRecord64Size + kLocatorSize) != recordAt || readAt(fd, at, wide) != wide.size() ||
        !startsWith(wide, kRecord64Magic) || le64(wide, 4) != kRecord64Size - 12) {
        refuseArchive("its zip64 end record is not where it has to be");
    }
    if (le32(locator, 4) != 0 || le32(locator, 16) != 1 || le32(wide, 16) != 0 || le32(wide, 20) != 0) {
        refuseArchive("it has several parts");
    }
    end.entries = le64(wide, 32);
    end.directory = {le64(wide, 48), le64(wide, 40)};
    if (le64(wide, 24) != end.entries) refuseArchive("it has several parts");
    checkNarrow<std::uint16_t>(record, 8, end.entries);
    checkNarrow<std::uint16_t>(record, 10, end.entries);
    checkNarrow<std::uint32_t>(record, 12, end.directory.size);
    checkNarrow<std::uint32_t>(record, 16, end.directory.offset);
    return at;
}

// Readers look for a zip64 locator in all of the last 64 KiB. One inside the image that leads to an end record would
// show them another archive than the one that is read here.
void refuseOtherEnd(int fd, std::uint64_t fileSize) {
    const std::uint64_t tailSize = std::min<std::uint64_t>(fileSize, 0xffff);
    const auto tail = read(fd, fileSize - tailSize, tailSize);
    const auto found = std::find_end(tail.begin(), tail.end(), kLocatorMagic.begin(), kLocatorMagic.end());
    const Bytes locator = Bytes{tail}.subspan(static_cast<std::size_t>(found - tail.begin()));
    if (locator.size() < kLocatorSize) return;
    Magic magic{};
    const bool leads = readAt(fd, le64(locator, 8), magic) == magic.size();
    if (leads && magic == kRecord64Magic) refuseArchive("its end records differ");
}

// Finds the end records, which have to be the very end of the file.
ArchiveEnd findArchiveEnd(int fd, std::uint64_t fileSize) {
    const std::uint64_t tailSize = std::min(fileSize, kLocatorSize + kRecordSize + kMaxComment);
    const std::uint64_t tailAt = fileSize - tailSize;
    const auto tail = read(fd, tailAt, tailSize);
    if (tail.size() != tailSize) refuseArchive("the file became shorter while it was read");

    // The last signature counts. One inside the comment makes the sizes disagree.
    const auto found = std::find_end(tail.begin(), tail.end(), kRecordMagic.begin(), kRecordMagic.end());
    const auto at = static_cast<std::uint64_t>(found - tail.begin());
    if (found == tail.end() || tail.size() - at < kRecordSize) {
        refuseArchive("it has no ZIP end record; the file may have been cut off");
    }
    const Bytes record = Bytes{tail}.subspan(at);
    const auto commentSize = le16(record, 20);
    if (record.size() != kRecordSize + commentSize)
        refuseArchive("its end record and comment are not the end of the file");
    if (le16(record, 4) != 0 || le16(record, 6) != 0 || le16(record, 8) != le16(record, 10)) {
        refuseArchive("it has several parts");
    }

    ArchiveEnd end;
    const Bytes comment = record.subspan(kRecordSize);
    end.comment.assign(comment.begin(), comment.end());
    std::uint64_t endsAt = tailAt + at;
    if (at >= kLocatorSize && startsWith(Bytes{tail}.subspan(at - kLocatorSize), kLocatorMagic)) {
        endsAt = readZip64(fd, record, endsAt, Bytes{tail}.subspan(at - kLocatorSize, kLocatorSize), end);
    } else {
        refuseOtherEnd(fd, fileSize);
        end.entries = le16(record, 8);
        end.directory = {le32(record, 16), le32(record, 12)};
    }
    if (checkedAdd(end.directory.offset, end.directory.size) != endsAt) {
        refuseArchive("its central directory does not end where the end record begins");
    }
    return end;
}

struct Sizes {
    std::uint64_t uncompressed = 0, compressed = 0;
    bool operator==(const Sizes&) const = default;
};

// Compressed and uncompressed size lie side by side in both descriptions; sizes from 4 GiB on are in an extra field.
Sizes sizesOf(Bytes fields, Bytes extra) {
    Sizes sizes{le32(fields, 4), le32(fields, 0)};
    if (sizes.uncompressed != kInZip64 && sizes.compressed != kInZip64) return sizes;
    while (extra.size() >= 4) {
        const auto id = le16(extra, 0), size = le16(extra, 2);
        extra = extra.subspan(4);
        if (size > extra.size()) break;
        if (id == 1) {
            Bytes values = extra.first(size);
            for (std::uint64_t* field : {&sizes.uncompressed, &sizes.compressed}) {
                if (*field != kInZip64) continue;
                if (values.size() < 8) refuseArchive("a zip64 field is too short");
                *field = le64(values, 0);
                values = values.subspan(8);
            }
            return sizes;
        }
        extra = extra.subspan(size);
    }
    refuseArchive("a zip64 field is missing");
}

// Reads the record of the central directory at `at`, and the local header that it leads to. Refuses an entry unless it
// is stored as it is, not encrypted, inside the file, and described the same twice.
ZipEntry readZipEntry(int fd, std::uint64_t fileSize, std::uint64_t at) {
    const auto record = read(fd, at, kCentralRecordSize);
    const Bytes central{record};
    if (central.size() != kCentralRecordSize || !startsWith(central, kCentralMagic)) {
        refuseArchive("it has a damaged central directory");
    }
    const auto nameSize = le16(central, 28), extraSize = le16(central, 30);
    if (nameSize > kMaxName) refuseArchive("an entry has a name that is too long");
    const auto tail = read(fd, at + kCentralRecordSize, std::size_t{nameSize} + extraSize);
    if (tail.size() != std::size_t{nameSize} + extraSize) refuseArchive("it has a damaged central directory");

    ZipEntry entry;
    entry.name.assign(tail.begin(), tail.begin() + nameSize);
    entry.crc = le32(central, 16);
    entry.headerOffset = le32(central, 42);
    entry.recordSize = kCentralRecordSize + tail.size();
    const Sizes sizes = sizesOf(central.subspan(20), Bytes{tail}.subspan(nameSize));
    entry.zip64 = le32(central, 20) == kInZip64 || le32(central, 24) == kInZip64;
    const auto refuse = [&](const char* why) {
        refuseArchive(fmt::format("the entry '{}' {}", printable(entry.name), why));
    };
    if (le16(central, 10) != 0) refuse("is compressed; all entries have to be stored");
    if ((le16(central, 8) & ~kAllowedFlags) != 0) refuse("is encrypted or has a data descriptor");
    if (sizes.compressed != sizes.uncompressed) refuse("has two different sizes");
    if (le16(central, 34) != 0) refuse("is in another part of the archive");
    if (le16(central, 32) != 0) refuse("has a comment");

    // Flags, method, time and CRC lie in the same order in both.
    constexpr auto kDiffers = "has a local header that differs from the central directory";
    const auto header = read(fd, entry.headerOffset, kLocalHeaderSize);
    const Bytes local{header};
    if (local.size() != kLocalHeaderSize || !startsWith(local, kLocalMagic) ||
        !std::ranges::equal(local.subspan(6, 12), central.subspan(8, 12)) || le16(local, 26) != nameSize) {
        refuse(kDiffers);
    }
    const std::size_t rest = std::size_t{nameSize} + le16(local, 28);
    const auto localTail = read(fd, entry.headerOffset + kLocalHeaderSize, rest);
    if (localTail.size() != rest || !std::equal(tail.begin(), tail.begin() + nameSize, localTail.begin()) ||
        sizesOf(local.subspan(18), Bytes{localTail}.subspan(nameSize)) != sizes) {
        refuse(kDiffers);
    }
    entry.data = {entry.headerOffset + kLocalHeaderSize + rest, sizes.compressed};
    if (!entry.data.within(fileSize)) refuse("is not inside the file");
    return entry;
}

// Hands out the entries one by one, each of which has to begin where the one before ends.
struct Entries {
    int fd;
    std::uint64_t fileSize;
    std::uint64_t directoryAt;
    std::uint64_t dataAt = 0;
    std::optional<std::string> damage{};

    ZipEntry take(std::string_view name) {
        ZipEntry entry = readZipEntry(fd, fileSize, directoryAt);
        if (entry.name != name) {
            refuseArchive(fmt::format("it has '{}' where '{}' has to be", printable(entry.name), name));
        }
        if (entry.headerOffset != dataAt) refuseArchive(fmt::format("there is a gap before '{}'", name));
        dataAt = entry.data.offset + entry.data.size;  // within the file
        directoryAt += entry.recordSize;               // three times 64 KiB at most
        return entry;
    }

    std::string takeText(std::string_view name) {
        const ZipEntry entry = take(name);
        if (entry.data.size > kMaxMetadata) refuseArchive(fmt::format("'{}' is larger than 1 MiB", name));
        if (entry.zip64) refuseArchive(fmt::format("the entry '{}' has a zip64 size without need", name));
        std::string text(entry.data.size, '\0');
        auto* bytes = reinterpret_cast<std::uint8_t*>(text.data());
        if (readAt(fd, entry.data.offset, {bytes, text.size()}) != text.size()) {
            refuseArchive(fmt::format("the entry '{}' is cut off", name));
        }
        if (crc32_z(0, bytes, text.size()) != entry.crc) {
            damage = fmt::format("the CRC of '{}' is wrong; get the package again", name);
        }
        return text;
    }
};

}  // namespace

Archive readArchive(int fd, std::uint64_t fileSize) {
    const ArchiveEnd end = findArchiveEnd(fd, fileSize);
    if (end.entries != 2 && end.entries != 3) {
        refuseArchive(fmt::format(
            "it has {} entries; a package has manifest.yaml, signature.yaml if signed, and fs.img", end.entries));
    }
    if (end.comment.empty()) refuseArchive("it has no comment with a format version");
    Archive archive;
    archive.comment = end.comment;
    Entries entries{fd, fileSize, end.directory.offset};
    archive.manifest = entries.takeText("manifest.yaml");
    if (end.entries == 3) archive.signature = entries.takeText("signature.yaml");
    archive.image = entries.take("fs.img").data;
    if (entries.dataAt != end.directory.offset) refuseArchive("there is a gap before its central directory");
    if (entries.directoryAt != end.directory.offset + end.directory.size) {
        refuseArchive("there is a gap behind its central directory");
    }
    archive.damage = entries.damage;
    if (archive.image.offset % kAlignment != 0) refuseArchive("fs.img does not begin at a multiple of 4096 bytes");
    return archive;
}

}  // namespace northstar
