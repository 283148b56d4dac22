// SPDX-License-Identifier: Apache-2.0
// Field offsets: PKWARE's APPNOTE.TXT, 4.3.7 (local header), 4.3.12 (central directory), 4.5.3 (zip64 extra
// field).
#include "package/zip/zip_reader.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/error.h"
#include "package/little_endian.h"
#include "package/read_at.h"

namespace northstar {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint64_t kLocalHeaderSize = 30, kCentralRecordSize = 46;
constexpr std::size_t kMaxName = 64;       // ours: the longest name in a package has 14 characters
constexpr std::size_t kMaxExtra = 0xffff;  // the field's size has 16 bits
constexpr std::uint32_t kInZip64 = 0xffffffff;
// Bit 11: the name is UTF-8. Bits 1 and 2: how hard a compressor tried. No encryption, no data descriptor.
constexpr unsigned long kAllowedFlags = 0x0806;

struct Sizes {
    std::uint64_t uncompressed = 0, compressed = 0;
    bool operator==(const Sizes&) const = default;
};

// Sizes from 4 GiB on are in an extra field. Where minizip has read it there is nothing left to look up.
Sizes withZip64(Sizes sizes, Bytes extra) {
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

}  // namespace

struct ZipReader::Central {
    unz_file_info64 info{};
    std::string name;
    Sizes sizes;
};

ZipReader::ZipReader(int fd, std::uint64_t fileSize, const ArchiveEnd& end)
    : fd_{fd}, fileSize_{fileSize}, source_{std::make_unique<ZipSource>(fd, fileSize)} {
    zlib_filefunc64_def functions = source_->functions();
    zip_.reset(unzOpen2_64("", &functions));
    source_->rethrow();
    unz_global_info64 info{};
    if (zip_ == nullptr || unzGetGlobalInfo64(zip_.get(), &info) != UNZ_OK) refuseArchive("it is damaged");
    // With a stray zip64 record it reports no comment; ours never is empty.
    const bool sameEnd = end.zip64 || info.size_comment == end.comment.size();
    if (info.number_entry != end.entries || !sameEnd) refuseArchive("its end records differ");
    check(unzGoToFirstFile(zip_.get()), "has no first entry");
}

void ZipReader::check(int result, const char* what) {
    source_->rethrow();
    if (result < 0) refuseArchive(std::string{"it "} + what + " (minizip error " + std::to_string(result) + ")");
}

ZipReader::Central ZipReader::central() {
    Central central;
    std::array<char, kMaxName + 1> name{};
    std::vector<std::uint8_t> extra(kMaxExtra + 1);
    check(unzGetCurrentFileInfo64(zip_.get(), &central.info, name.data(), name.size(), extra.data(), extra.size(),
                                  nullptr, 0),
          "has a damaged central directory");
    if (central.info.size_filename > kMaxName) refuseArchive("an entry has a name that is too long");
    if (central.info.size_file_extra > kMaxExtra) refuseArchive("an entry has too large an extra field");
    central.name.assign(name.data(), central.info.size_filename);
    extra.resize(central.info.size_file_extra);
    central.sizes = withZip64({central.info.uncompressed_size, central.info.compressed_size}, extra);
    return central;
}

std::vector<std::uint8_t> ZipReader::localExtra() {
    const int size = unzGetLocalExtrafield(zip_.get(), nullptr, 0);
    check(size, "has a damaged local header");
    std::vector<std::uint8_t> extra(static_cast<std::size_t>(size));
    if (extra.empty()) return extra;
    const int got = unzGetLocalExtrafield(zip_.get(), extra.data(), static_cast<unsigned>(extra.size()));
    check(got, "has a damaged local header");
    if (got != size) refuseArchive("it is cut off inside a local header");
    return extra;
}

ZipEntry ZipReader::entry() {
    const Central central = this->central();
    const std::string what = "the entry '" + printable(central.name) + "' ";
    if (central.info.compression_method != 0) refuseArchive(what + "is compressed; all entries have to be stored");
    if ((central.info.flag & ~kAllowedFlags) != 0) refuseArchive(what + "is encrypted or has a data descriptor");
    if (central.sizes.compressed != central.sizes.uncompressed) refuseArchive(what + "has two different sizes");
    if (central.info.disk_num_start != 0) refuseArchive(what + "is in another part of the archive");
    if (central.info.size_file_comment != 0) refuseArchive(what + "has a comment");

    check(unzOpenCurrentFile(zip_.get()), "has a local header that differs from the central directory");
    const auto extra = localExtra();
    const std::uint64_t dataAt = unzGetCurrentFileZStreamPos64(zip_.get());
    const std::uint64_t headerSize = kLocalHeaderSize + central.name.size() + extra.size();
    const Extent data{dataAt, central.sizes.compressed};
    if (dataAt < headerSize || !data.within(fileSize_)) refuseArchive(what + "is not inside the file");
    checkLocalHeader(dataAt - headerSize, central, extra);
    const std::uint64_t recordSize = kCentralRecordSize + central.info.size_filename + central.info.size_file_extra;
    return {central.name, dataAt - headerSize, data, {unzGetOffset64(zip_.get()), recordSize}};
}

void ZipReader::checkLocalHeader(std::uint64_t at, const Central& central,
                                 const std::vector<std::uint8_t>& extra) const {
    std::vector<std::uint8_t> bytes(kLocalHeaderSize + central.name.size());
    const bool complete = readAt(fd_, at, bytes) == bytes.size();
    const Bytes local{bytes};
    const Bytes name = local.subspan(kLocalHeaderSize);
    const auto same = [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; };
    if (!complete || littleEndian<std::uint32_t>(local, 0) != 0x04034b50 ||
        littleEndian<std::uint16_t>(local, 6) != central.info.flag ||
        littleEndian<std::uint32_t>(local, 10) != central.info.dosDate ||
        littleEndian<std::uint16_t>(local, 26) != central.name.size() ||
        littleEndian<std::uint16_t>(local, 28) != extra.size() ||
        !std::equal(central.name.begin(), central.name.end(), name.begin(), same) ||
        withZip64({littleEndian<std::uint32_t>(local, 22), littleEndian<std::uint32_t>(local, 18)}, extra) !=
            central.sizes) {
        refuseArchive("the entry '" + printable(central.name) +
                      "' has a local header that differs from the central directory");
    }
}

ZipReader::Content ZipReader::read(const ZipEntry& entry) {
    std::string content(entry.data.size, '\0');
    std::size_t done = 0;
    while (done < content.size()) {
        const int got =
            unzReadCurrentFile(zip_.get(), content.data() + done, static_cast<unsigned>(content.size() - done));
        check(got, "cannot be read");
        if (got == 0) refuseArchive("the entry '" + printable(entry.name) + "' is cut off");
        done += static_cast<std::size_t>(got);
    }
    if (unzeof(zip_.get()) != 1)
        refuseArchive("the entry '" + printable(entry.name) + "' has a zip64 size without need");
    const int closed = unzCloseCurrentFile(zip_.get());
    if (closed != UNZ_CRCERROR) check(closed, "cannot be read");
    return {std::move(content), closed != UNZ_CRCERROR};
}

bool ZipReader::next() {
    const int result = unzGoToNextFile(zip_.get());
    if (result == UNZ_END_OF_LIST_OF_FILE) return false;
    check(result, "has a damaged central directory");
    return true;
}

}  // namespace northstar
