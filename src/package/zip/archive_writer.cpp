// SPDX-License-Identifier: Apache-2.0
// Field offsets and meanings: see archive.cpp.
#include "package/zip/archive_writer.h"

#include <zconf.h>
#include <zlib.h>

#include <limits>

namespace northstar {
namespace {

constexpr std::uint64_t kAlignment = 4096;
constexpr std::uint32_t kWide = std::numeric_limits<std::uint32_t>::max();  // the value is in a zip64 field
constexpr std::uint16_t kDate = 0x21;                                       // 1980-01-01, the first that there is
constexpr std::uint32_t kMode = 0100644U << 16U;                            // a regular file: rw-r--r--
constexpr std::uint16_t kVersion = 10, kVersion64 = 45;                     // of ZIP, that a reader needs
constexpr std::uint16_t kMadeOnUnix = 3U << 8U;

struct Entry {
    std::string_view name;
    std::uint64_t size;
    std::uint32_t crc;
    std::string extra = {};
    std::uint64_t headerOffset = 0;

    [[nodiscard]] bool zip64() const { return size >= kWide; }
};

std::uint32_t narrow(std::uint64_t value) { return value >= kWide ? kWide : static_cast<std::uint32_t>(value); }

std::uint16_t sizeOf(std::string_view text) { return static_cast<std::uint16_t>(text.size()); }

std::uint32_t crcOf(Bytes bytes) { return static_cast<std::uint32_t>(crc32_z(0, bytes.data(), bytes.size())); }

std::uint32_t crcOf(std::string_view text) {
    return crcOf(Bytes{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// What local header and central directory have in common, from the needed version on.
std::string fieldsOf(const Entry& entry) {
    std::string fields;
    appendLittleEndian(fields, entry.zip64() ? kVersion64 : kVersion);
    appendLittleEndian(fields, std::uint16_t{0});  // flags
    appendLittleEndian(fields, std::uint16_t{0});  // method: stored
    appendLittleEndian(fields, std::uint16_t{0});  // time
    appendLittleEndian(fields, kDate);
    appendLittleEndian(fields, entry.crc);
    appendLittleEndian(fields, narrow(entry.size));
    appendLittleEndian(fields, narrow(entry.size));
    appendLittleEndian(fields, sizeOf(entry.name));
    appendLittleEndian(fields, sizeOf(entry.extra));
    return fields;
}

std::string localHeader(const Entry& entry) {
    return std::string{"PK\3\4"} + fieldsOf(entry) + std::string{entry.name} + entry.extra;
}

std::string centralRecord(const Entry& entry) {
    std::string record{"PK\1\2"};
    appendLittleEndian(record, static_cast<std::uint16_t>(kMadeOnUnix | (entry.zip64() ? kVersion64 : kVersion)));
    record += fieldsOf(entry);
    appendLittleEndian(record, std::uint16_t{0});  // size of its comment
    appendLittleEndian(record, std::uint16_t{0});  // part
    appendLittleEndian(record, std::uint16_t{0});  // internal attributes
    appendLittleEndian(record, kMode);
    appendLittleEndian(record, static_cast<std::uint32_t>(entry.headerOffset));  // before the image: small
    return record + std::string{entry.name} + entry.extra;
}

// The image's sizes if they need it, and what makes it begin at a multiple of 4096. `at`: where its data would begin
// without any.
std::string imageExtra(const Entry& image, std::uint64_t at) {
    constexpr std::uint16_t kZip64 = 1, kPadding = 0xa11e;
    constexpr std::uint64_t kLeast = 6;  // id, size, alignment
    std::string extra;
    if (image.zip64()) {
        appendLittleEndian(extra, kZip64);
        appendLittleEndian(extra, std::uint16_t{16});
        appendLittleEndian(extra, image.size);
        appendLittleEndian(extra, image.size);
    }
    const std::uint64_t over = (at + extra.size()) % kAlignment;
    if (over == 0) return extra;
    const std::uint64_t gap = kAlignment - over;
    const std::uint64_t padding = gap < kLeast ? gap + kAlignment : gap;
    appendLittleEndian(extra, kPadding);
    appendLittleEndian(extra, static_cast<std::uint16_t>(padding - 4));
    appendLittleEndian(extra, static_cast<std::uint16_t>(kAlignment));
    return extra.append(padding - kLeast, '\0');
}

// The end record and, where the directory begins at 4 GiB or later, its zip64 companion.
std::string endRecords(std::uint16_t entries, std::uint64_t directoryAt, std::uint64_t directorySize,
                       const std::string& comment) {
    std::string end;
    if (directoryAt >= kWide) {
        end += "PK\6\6";
        appendLittleEndian(end, std::uint64_t{44});  // what follows of this record
        appendLittleEndian(end, static_cast<std::uint16_t>(kMadeOnUnix | kVersion64));
        appendLittleEndian(end, kVersion64);
        appendLittleEndian(end, std::uint32_t{0});  // part
        appendLittleEndian(end, std::uint32_t{0});  // part of the directory
        appendLittleEndian(end, std::uint64_t{entries});
        appendLittleEndian(end, std::uint64_t{entries});
        appendLittleEndian(end, directorySize);
        appendLittleEndian(end, directoryAt);
        end += "PK\6\7";
        appendLittleEndian(end, std::uint32_t{0});
        appendLittleEndian(end, directoryAt + directorySize);  // where the record above begins
        appendLittleEndian(end, std::uint32_t{1});             // parts
    }
    end += "PK\5\6";
    appendLittleEndian(end, std::uint16_t{0});
    appendLittleEndian(end, std::uint16_t{0});
    appendLittleEndian(end, entries);
    appendLittleEndian(end, entries);
    appendLittleEndian(end, narrow(directorySize));
    appendLittleEndian(end, narrow(directoryAt));
    appendLittleEndian(end, sizeOf(comment));
    return end + comment;
}

}  // namespace

ArchiveFrame frameArchive(const ArchiveTexts& texts, std::uint64_t imageSize, std::uint32_t imageCrc) {
    ArchiveFrame frame;
    std::string directory;
    const auto addText = [&](std::string_view name, const std::string& text) {
        const Entry entry{name, text.size(), crcOf(text), {}, frame.head.size()};
        frame.head += localHeader(entry) + text;
        directory += centralRecord(entry);
    };
    addText("manifest.yaml", texts.manifest);
    if (texts.signature) addText("signature.yaml", *texts.signature);
    Entry image{"fs.img", imageSize, imageCrc, {}, frame.head.size()};
    image.extra = imageExtra(image, frame.head.size() + localHeader(image).size());
    frame.head += localHeader(image);
    directory += centralRecord(image);
    const std::uint16_t entries = texts.signature ? 3 : 2;
    frame.tail = directory + endRecords(entries, frame.head.size() + imageSize, directory.size(), texts.comment);
    return frame;
}

void PiecewiseCrc::add(std::uint64_t offset, Bytes piece) {
    const bool hole = isZero(piece);
    {
        const std::lock_guard lock{mutex_};
        if (hole && hole_.size == piece.size()) {
            pieces_[offset] = hole_;
            return;
        }
    }
    const Piece known{piece.size(), crcOf(piece)};
    const std::lock_guard lock{mutex_};
    pieces_[offset] = known;
    if (hole) hole_ = known;
}

std::uint32_t PiecewiseCrc::value() const {
    uLong crc = 0;
    for (const auto& [offset, piece] : pieces_) crc = crc32_combine(crc, piece.crc, static_cast<z_off_t>(piece.size));
    return static_cast<std::uint32_t>(crc);
}

}  // namespace northstar
