// SPDX-License-Identifier: Apache-2.0
#include "package/zip/archive.h"

#include <fmt/format.h>
#include <zlib.h>

#include "base/error.h"
#include "package/read_at.h"
#include "package/zip/archive_end.h"
#include "package/zip/zip_entry.h"

namespace northstar {
namespace {

constexpr std::uint64_t kMaxMetadata = std::uint64_t{1} << 20U;
constexpr std::uint64_t kAlignment = 4096;  // dm-verity's block size, and the loop device's

// Hands out the entries one by one, each of which has to begin where the one before ends.
class Entries {
public:
    Entries(int fd, std::uint64_t fileSize, const ArchiveEnd& end)
        : fd_{fd}, fileSize_{fileSize}, end_{end}, directoryAt_{end.directory.offset} {}

    ZipEntry take(std::string_view name) {
        ZipEntry entry = readZipEntry(fd_, fileSize_, directoryAt_);
        if (entry.name != name) {
            refuseArchive(fmt::format("it has '{}' where '{}' has to be", printable(entry.name), name));
        }
        if (entry.headerOffset != dataAt_) refuseArchive(fmt::format("there is a gap before '{}'", name));
        dataAt_ = entry.data.offset + entry.data.size;  // within the file
        directoryAt_ += entry.directory.size;           // three times 64 KiB at most
        return entry;
    }

    std::string takeText(std::string_view name) {
        const ZipEntry entry = take(name);
        if (entry.data.size > kMaxMetadata) refuseArchive(fmt::format("'{}' is larger than 1 MiB", name));
        if (entry.zip64) refuseArchive(fmt::format("the entry '{}' has a zip64 size without need", name));
        std::string text(entry.data.size, '\0');
        auto* bytes = reinterpret_cast<std::uint8_t*>(text.data());
        if (readAt(fd_, entry.data.offset, {bytes, text.size()}) != text.size()) {
            refuseArchive(fmt::format("the entry '{}' is cut off", name));
        }
        if (crc32_z(0, bytes, text.size()) != entry.crc) {
            damage_ = fmt::format("the CRC of '{}' is wrong; get the package again", name);
        }
        return text;
    }

    [[nodiscard]] const std::optional<std::string>& damage() const { return damage_; }

    void finish() const {
        if (dataAt_ != end_.directory.offset) refuseArchive("there is a gap before its central directory");
        if (directoryAt_ != end_.directory.offset + end_.directory.size) {
            refuseArchive("there is a gap behind its central directory");
        }
    }

private:
    int fd_;
    std::uint64_t fileSize_;
    const ArchiveEnd& end_;
    std::optional<std::string> damage_;
    std::uint64_t dataAt_ = 0, directoryAt_;
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
    Entries entries{fd, fileSize, end};
    archive.manifest = entries.takeText("manifest.yaml");
    if (end.entries == 3) archive.signature = entries.takeText("signature.yaml");
    archive.image = entries.take("fs.img").data;
    entries.finish();
    archive.damage = entries.damage();
    if (archive.image.offset % kAlignment != 0) refuseArchive("fs.img does not begin at a multiple of 4096 bytes");
    return archive;
}

}  // namespace northstar
