// SPDX-License-Identifier: Apache-2.0
// Field offsets: PKWARE's APPNOTE.TXT, 4.3.14 to 4.3.16.
#include "package/zip/archive_end.h"

#include "base/error.h"
#include "package/little_endian.h"
#include "package/read_at.h"

namespace northstar {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint64_t kMaxComment = 1024;  // ours: the comment is one line with a version
constexpr std::uint64_t kRecordSize = 22, kLocatorSize = 20, kRecord64Size = 56;
constexpr std::array<std::uint8_t, 4> kRecordMagic{'P', 'K', 5, 6}, kLocatorMagic{'P', 'K', 6, 7},
    kRecord64Magic{'P', 'K', 6, 6};

bool startsWith(Bytes bytes, const std::array<std::uint8_t, 4>& magic) {
    return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

// A field of the end record: the same as in its zip64 companion, or all ones where that one has the value.
template <typename Number>
void checkNarrow(Bytes record, std::size_t offset, std::uint64_t wide) {
    const auto narrow = littleEndian<Number>(record, offset);
    if (narrow != static_cast<Number>(~Number{0}) && narrow != wide) refuseArchive("its two end records differ");
}

// Reads the zip64 end record and its locator, which lie before the end record at `recordAt`. Returns where
// they begin.
std::uint64_t readZip64(int fd, Bytes record, std::uint64_t recordAt, Bytes locator, ArchiveEnd& end) {
    const std::uint64_t at = littleEndian<std::uint64_t>(locator, 8);
    std::array<std::uint8_t, kRecord64Size> wide{};
    if (checkedAdd(at, kRecord64Size + kLocatorSize) != recordAt || readAt(fd, at, wide) != wide.size() ||
        !startsWith(wide, kRecord64Magic) || littleEndian<std::uint64_t>(wide, 4) != kRecord64Size - 12) {
        refuseArchive("its zip64 end record is not where it has to be");
    }
    if (littleEndian<std::uint32_t>(locator, 4) != 0 || littleEndian<std::uint32_t>(locator, 16) != 1 ||
        littleEndian<std::uint32_t>(wide, 16) != 0 || littleEndian<std::uint32_t>(wide, 20) != 0) {
        refuseArchive("it has several parts");
    }
    end.entries = littleEndian<std::uint64_t>(wide, 32);
    end.directory = {littleEndian<std::uint64_t>(wide, 48), littleEndian<std::uint64_t>(wide, 40)};
    if (littleEndian<std::uint64_t>(wide, 24) != end.entries) refuseArchive("it has several parts");
    checkNarrow<std::uint16_t>(record, 8, end.entries);
    checkNarrow<std::uint16_t>(record, 10, end.entries);
    checkNarrow<std::uint32_t>(record, 12, end.directory.size);
    checkNarrow<std::uint32_t>(record, 16, end.directory.offset);
    return at;
}

// Readers look for a zip64 locator in all of the last 64 KiB. One inside the image that leads to an end record would
// show them another archive than the one that is read here.
void refuseOtherEnd(int fd, std::uint64_t fileSize) {
    std::vector<std::uint8_t> tail(std::min<std::uint64_t>(fileSize, 0xffff));
    tail.resize(readAt(fd, fileSize - tail.size(), tail));
    const auto found = std::find_end(tail.begin(), tail.end(), kLocatorMagic.begin(), kLocatorMagic.end());
    const Bytes locator = Bytes{tail}.subspan(static_cast<std::size_t>(found - tail.begin()));
    if (locator.size() < kLocatorSize) return;
    std::array<std::uint8_t, 4> magic{};
    const bool leads = readAt(fd, littleEndian<std::uint64_t>(locator, 8), magic) == magic.size();
    if (leads && magic == kRecord64Magic) refuseArchive("its end records differ");
}

}  // namespace

void refuseArchive(const std::string& why) { throw Error{Code::InvalidPackage, "Not a package archive: " + why}; }

ArchiveEnd findArchiveEnd(int fd, std::uint64_t fileSize) {
    const std::uint64_t tailSize = std::min(fileSize, kLocatorSize + kRecordSize + kMaxComment);
    const std::uint64_t tailAt = fileSize - tailSize;
    std::vector<std::uint8_t> tail(tailSize);
    if (readAt(fd, tailAt, tail) != tail.size()) refuseArchive("the file became shorter while it was read");

    // The last signature counts. One inside the comment makes the sizes disagree.
    const auto found = std::find_end(tail.begin(), tail.end(), kRecordMagic.begin(), kRecordMagic.end());
    const auto at = static_cast<std::uint64_t>(found - tail.begin());
    if (found == tail.end() || tail.size() - at < kRecordSize) {
        refuseArchive("it has no ZIP end record; the file may have been cut off");
    }
    const Bytes record = Bytes{tail}.subspan(at);
    const auto commentSize = littleEndian<std::uint16_t>(record, 20);
    if (record.size() != kRecordSize + commentSize)
        refuseArchive("its end record and comment are not the end of the file");
    if (littleEndian<std::uint16_t>(record, 4) != 0 || littleEndian<std::uint16_t>(record, 6) != 0 ||
        littleEndian<std::uint16_t>(record, 8) != littleEndian<std::uint16_t>(record, 10)) {
        refuseArchive("it has several parts");
    }

    ArchiveEnd end;
    const Bytes comment = record.subspan(kRecordSize);
    end.comment.assign(comment.begin(), comment.end());
    std::uint64_t endsAt = tailAt + at;
    const bool hasLocator = at >= kLocatorSize && startsWith(Bytes{tail}.subspan(at - kLocatorSize), kLocatorMagic);
    if (hasLocator) {
        endsAt = readZip64(fd, record, endsAt, Bytes{tail}.subspan(at - kLocatorSize, kLocatorSize), end);
    } else {
        refuseOtherEnd(fd, fileSize);
        end.entries = littleEndian<std::uint16_t>(record, 8);
        end.directory = {littleEndian<std::uint32_t>(record, 16), littleEndian<std::uint32_t>(record, 12)};
    }
    if (checkedAdd(end.directory.offset, end.directory.size) != endsAt) {
        refuseArchive("its central directory does not end where the end record begins");
    }
    return end;
}

}  // namespace northstar
