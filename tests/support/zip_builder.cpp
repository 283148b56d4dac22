// SPDX-License-Identifier: Apache-2.0
// Layout: PKWARE's APPNOTE.TXT, 4.3.7 to 4.3.16.
#include "support/zip_builder.h"

namespace northstar::test {
namespace {

template <typename Number>
std::string le(Number value) {
    std::string bytes;
    for (std::size_t i = 0; i < sizeof(Number); ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xff);
    return bytes;
}
std::string le16(std::uint64_t value) { return le(static_cast<std::uint16_t>(value)); }
std::string le32(std::uint64_t value) { return le(static_cast<std::uint32_t>(value)); }
std::string le64(std::uint64_t value) { return le(value); }

// The part that both descriptions share: version needed up to the sizes.
std::string common(const ZipEntrySpec& entry, const ZipHeader& header, std::uint64_t size) {
    const auto sizeField = [&](std::optional<std::uint64_t> said) {
        return entry.zip64 ? le32(0xffffffff) : le32(said.value_or(size));
    };
    return le16(entry.zip64 ? 45 : 10) + le16(header.flags.value_or(0)) + le16(header.method.value_or(0)) +
           le32(0x00210000) + le32(header.crc.value_or(crcOf(entry.content))) + sizeField(header.compressedSize) +
           sizeField(header.uncompressedSize);
}

std::string zip64Field(const ZipEntrySpec& entry, const ZipHeader& header, std::uint64_t size) {
    if (!entry.zip64) return {};
    return le16(1) + le16(16) + le64(header.uncompressedSize.value_or(size)) +
           le64(header.compressedSize.value_or(size));
}

std::string alignmentField(std::uint64_t alignment, std::uint64_t end) {
    if (alignment == 1) return {};
    constexpr std::uint64_t kSmallest = 6;
    const std::uint64_t padding = (alignment - (end + kSmallest) % alignment) % alignment;
    return le16(0xa11e) + le16(2 + padding) + le16(alignment) + std::string(padding, '\0');
}

// Writes header and data; returns the entry's record for the central directory.
std::string writeEntry(MemoryFile& file, const ZipEntrySpec& entry) {
    file.append(entry.gapBefore);
    const std::uint64_t at = file.size();
    const std::uint64_t size = entry.content.size() + entry.hole + entry.behindHole.size();
    const std::string localName = entry.local.name.value_or(entry.name);
    const std::string centralName = entry.central.name.value_or(entry.name);
    const std::string wide = zip64Field(entry, entry.local, size);
    const std::string padding = alignmentField(entry.alignment, at + 30 + localName.size() + wide.size());
    file.append("PK\3\4" + common(entry, entry.local, size) + le16(localName.size()) +
                le16(wide.size() + padding.size()) + localName + wide + padding + entry.content);
    if (entry.hole > 0) file.skip(entry.hole);
    file.append(entry.behindHole);

    const std::string centralExtra = zip64Field(entry, entry.central, size) + padding;
    return "PK\1\2" + le16(0x031e) + common(entry, entry.central, size) + le16(centralName.size()) +
           le16(centralExtra.size()) + le16(entry.comment.size()) + le16(entry.disk) + le16(0) + le32(0x81a40000) +
           le32(entry.central.headerOffset.value_or(at)) + centralName + centralExtra + entry.comment;
}

}  // namespace

std::uint32_t crcOf(const std::string& content) {
    std::uint32_t crc = 0xffffffff;
    for (const char c : content) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
    }
    return ~crc;
}

ZipSpec packageZip() {
    ZipSpec zip;
    zip.comment = "version: 0.9.3\n";
    zip.entries.push_back({.name = "manifest.yaml", .content = "a manifest"});
    zip.entries.push_back({.name = "signature.yaml", .content = "a signature"});
    zip.entries.push_back({.name = "fs.img", .content = std::string(8192, 'f'), .alignment = 4096});
    return zip;
}

MemoryFile writeZip(const ZipSpec& spec) {
    MemoryFile file;
    std::string directory;
    for (const ZipEntrySpec& entry : spec.entries) directory += writeEntry(file, entry);
    file.append(spec.gapBeforeDirectory);
    const std::uint64_t offset = spec.directoryOffset.value_or(file.size());
    const std::uint64_t size = spec.directorySize.value_or(directory.size());
    const std::uint64_t count = spec.entryCount.value_or(spec.entries.size());
    file.append(directory + spec.gapBehindDirectory);
    if (spec.zip64) {
        const std::uint64_t at = file.size();
        file.append("PK\6\6" + le64(44) + le16(45) + le16(45) + le32(0) + le32(0) + le64(count) + le64(count) +
                    le64(size) + le64(offset));
        file.append("PK\6\7" + le32(0) + le64(at) + le32(1));
    }
    const auto narrow = [&](std::uint64_t value) { return spec.zip64 ? le32(0xffffffff) : le32(value); };
    file.append("PK\5\6" + le16(0) + le16(0) + le16(count) + le16(count) + narrow(size) + narrow(offset) +
                le16(spec.comment.size()) + spec.comment + spec.trailing);
    return file;
}

}  // namespace northstar::test
