// SPDX-License-Identifier: Apache-2.0
#include "package/zip/archive.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "base/error.h"
#include "package/zip/archive_end.h"
#include "package/zip/zip_reader.h"

namespace northstar {
namespace {

constexpr std::uint64_t kMaxMetadata = std::uint64_t{1} << 20U;
constexpr std::uint64_t kAlignment = 4096;  // dm-verity's block size, and the loop device's

// Hands out the entries one by one, each of which has to begin where the one before ends.
class Entries {
public:
    Entries(int fd, std::uint64_t fileSize, const ArchiveEnd& end)
        : zip_{fd, fileSize, end}, end_{end}, directoryAt_{end.directory.offset} {}

    Extent take(std::string_view name) {
        last_ = next();
        if (last_.name != name) {
            refuseArchive(fmt::format("it has '{}' where '{}' has to be", printable(last_.name), name));
        }
        if (last_.headerOffset != dataAt_) refuseArchive("there is a gap before '" + last_.name + "'");
        if (last_.directory.offset != directoryAt_) refuseArchive("there is a gap in its central directory");
        dataAt_ = last_.data.offset + last_.data.size;  // within the file
        directoryAt_ += last_.directory.size;           // three times 64 KiB at most
        return last_.data;
    }

    std::string takeText(std::string_view name) {
        if (take(name).size > kMaxMetadata) refuseArchive(fmt::format("'{}' is larger than 1 MiB", name));
        auto [text, matchesCrc] = zip_.read(last_);
        if (!matchesCrc) damage_ = fmt::format("the CRC of '{}' is wrong; get the package again", name);
        return std::move(text);
    }

    [[nodiscard]] const std::optional<std::string>& damage() const { return damage_; }

    void finish() {
        if (zip_.next()) refuseArchive("it has too many entries");
        if (dataAt_ != end_.directory.offset) refuseArchive("there is a gap before its central directory");
        if (directoryAt_ != end_.directory.offset + end_.directory.size) {
            refuseArchive("there is a gap behind its central directory");
        }
    }

private:
    ZipEntry next() {
        if (taken_++ > 0 && !zip_.next()) refuseArchive("it has too few entries");
        return zip_.entry();
    }

    ZipReader zip_;
    std::optional<std::string> damage_;
    const ArchiveEnd& end_;
    ZipEntry last_;
    std::size_t taken_ = 0;
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
    archive.image = entries.take("fs.img");
    entries.finish();
    archive.damage = entries.damage();
    if (archive.image.offset % kAlignment != 0) refuseArchive("fs.img does not begin at a multiple of 4096 bytes");
    return archive;
}

}  // namespace northstar
