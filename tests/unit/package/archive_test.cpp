// SPDX-License-Identifier: Apache-2.0
// The archive of a package: what it may look like as a ZIP file.
#include "package/zip/archive.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "support/expect_error.h"
#include "support/memory_file.h"
#include "support/zip_builder.h"

namespace northstar {
namespace {

using test::expectError;
using test::MemoryFile;
using test::packageZip;
using test::ZipSpec;

Archive read(const MemoryFile& file) { return readArchive(file.fd(), file.size()); }

TEST(Archive, WithAWrongCrcIsReadAndSaysSo) {
    for (const std::size_t entry : {0U, 1U}) {
        ZipSpec zip = packageZip();
        EXPECT_FALSE(read(writeZip(zip)).damage);
        zip.entries[entry].local.crc = zip.entries[entry].central.crc = 1;
        const Archive archive = read(writeZip(zip));
        ASSERT_TRUE(archive.damage);
        EXPECT_NE(archive.damage->find("CRC of '" + zip.entries[entry].name), std::string::npos);
    }
}

TEST(Archive, HasItsPartsReadAndItsImageFound) {
    const MemoryFile file = writeZip(packageZip());
    const Archive archive = read(file);
    EXPECT_EQ(archive.comment, "version: 0.9.3\n");
    EXPECT_EQ(archive.manifest, "a manifest");
    EXPECT_EQ(archive.signature, "a signature");
    EXPECT_EQ(archive.image, (Extent{4096, 8192}));
    EXPECT_EQ(test::contentOf(file.fd(), archive.image.offset, archive.image.size), std::string(8192, 'f'));
}

TEST(Archive, MayHaveNoSignature) {
    ZipSpec zip = packageZip();
    zip.entries.erase(zip.entries.begin() + 1);
    EXPECT_EQ(read(writeZip(zip)).signature, std::nullopt);
}

TEST(Archive, IsReadWithoutMovingTheFileOffset) {
    const MemoryFile file = writeZip(packageZip());
    ASSERT_EQ(::lseek(file.fd(), 1234, SEEK_SET), 1234);
    (void)read(file);
    EXPECT_EQ(::lseek(file.fd(), 0, SEEK_CUR), 1234);
}

TEST(Archive, MayHaveMetadataOfOneMebibyte) {
    ZipSpec zip = packageZip();
    zip.entries[0].content = std::string(1 << 20, 'm');
    EXPECT_EQ(read(writeZip(zip)).manifest, zip.entries[0].content);
}

TEST(Archive, MayHaveACommentOfOneKibibyte) {
    ZipSpec zip = packageZip();
    zip.comment = std::string(1024, 'c');
    EXPECT_EQ(read(writeZip(zip)).comment, zip.comment);
}

TEST(Archive, MayHaveAZip64End) {
    ZipSpec zip = packageZip();
    zip.zip64 = true;
    const Archive archive = read(writeZip(zip));
    EXPECT_EQ(archive.comment, zip.comment);
    EXPECT_EQ(archive.image, (Extent{4096, 8192}));
}

TEST(Archive, MayHaveZip64SizesOfASmallImage) {
    ZipSpec zip = packageZip();
    zip.entries[2].zip64 = true;
    EXPECT_EQ(read(writeZip(zip)).image, (Extent{4096, 8192}));
}

TEST(Archive, MayHaveAnImageLargerThanFourGibibytes) {
    constexpr std::uint64_t kSize = (std::uint64_t{5} << 30U) + 4096;
    ZipSpec zip = packageZip();
    zip.zip64 = true;
    zip.entries[2].zip64 = true;
    zip.entries[2].hole = kSize - zip.entries[2].content.size();
    EXPECT_EQ(read(writeZip(zip)).image, (Extent{4096, kSize}));
}

// minizip looks for a zip64 locator in all of the last 64 KiB.
TEST(Archive, MayHaveAnotherArchiveInsideItsImage) {
    ZipSpec inner = packageZip(), zip = packageZip();
    inner.comment = "x";
    const MemoryFile file = writeZip(inner);
    zip.entries[2].content = test::contentOf(file.fd(), 0, file.size());
    EXPECT_EQ(read(writeZip(zip)).image.size, zip.entries[2].content.size());
}

// One that leads to a record with as many entries would be taken for the archive's.
TEST(Archive, IsRefusedIfItsImagePretendsToBeItsEnd) {
    ZipSpec zip = packageZip();
    zip.zip64 = true;
    zip.directoryOffset = zip.directorySize = 0;
    const MemoryFile file = writeZip(zip);
    std::string ends = test::contentOf(file.fd(), file.size() - zip.comment.size() - 22 - 76, 76);
    ends.replace(56 + 8, 8, std::string{"\0\x10\0\0\0\0\0\0", 8});  // the locator: the record is at 4096
    zip = packageZip();
    zip.entries[2].content = ends;
    expectError(Code::InvalidPackage, "end records differ", [&] { (void)read(writeZip(zip)); });
}

TEST(Archive, IsRefusedQuicklyIfItIsAHugeHole) {
    MemoryFile file;
    file.skip(std::uint64_t{1} << 42U);
    const auto start = std::chrono::steady_clock::now();
    expectError(Code::InvalidPackage, "no ZIP end record", [&] { (void)read(file); });
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{1});
}

TEST(Archive, IsRefusedIfItsFileBecomesShorter) {
    const MemoryFile file = writeZip(packageZip());
    ASSERT_EQ(::ftruncate(file.fd(), 100), 0);
    expectError(Code::InvalidPackage, "shorter", [&] { (void)read(file); });
}

TEST(Archive, IsRefusedWhereverItIsCutOff) {
    const MemoryFile good = writeZip(packageZip());
    const std::string content = test::contentOf(good.fd(), 0, good.size());
    for (std::size_t size = 0; size < content.size(); size += (size < 4000 || size > 12000) ? 1 : 97) {
        const MemoryFile file{content.substr(0, size)};
        EXPECT_THROW((void)read(file), Error) << size;
    }
}

}  // namespace
}  // namespace northstar
