// SPDX-License-Identifier: Apache-2.0
// Archives as they are written: against packages of the runtime's packer, and against the strict reader.
#include "package/zip/archive_writer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "package/zip/archive.h"
#include "support/memory_file.h"
#include "support/test_data.h"
#include "support/zip_builder.h"

namespace northstar {
namespace {

using test::MemoryFile;

Bytes bytesOf(const std::string& text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

TEST(ArchiveWriter, WritesTheBytesOfTheRuntimesPacker) {
    int checked = 0;
    for (const char* folder : {"signed", "unsigned", "stranger"}) {
        for (const auto& entry : std::filesystem::directory_iterator{test::dataPath(folder)}) {
            const std::string whole = test::readData(std::string{folder} + "/" + entry.path().filename().string());
            const MemoryFile file{whole};
            const Archive archive = readArchive(file.fd(), file.size());
            const std::string image = whole.substr(archive.image.offset, archive.image.size);
            PiecewiseCrc crc;
            crc.add(4096, bytesOf(image).subspan(4096));
            crc.add(0, bytesOf(image).first(4096));
            const ArchiveFrame frame =
                frameArchive({archive.comment, archive.manifest, archive.signature}, image.size(), crc.value());
            EXPECT_TRUE(frame.head + image + frame.tail == whole) << entry.path();
            ++checked;
        }
    }
    EXPECT_GE(checked, 12);
}

// Every length of what is before it, around where padding gets too short for its own header.
TEST(ArchiveWriter, HasTheImageBeginAtABlockWhateverIsBefore) {
    for (const std::uint64_t size : {std::uint64_t{8192}, std::uint64_t{5} << 30U}) {
        for (std::size_t length = 0; length < 4200; ++length) {
            const ArchiveTexts texts{"version: 0.9.3\n", std::string(length, 'm'), std::nullopt};
            const ArchiveFrame frame = frameArchive(texts, size, 0);
            ASSERT_EQ(frame.head.size() % 4096, 0U) << length;
            MemoryFile file{frame.head};
            file.skip(size);
            file.append(frame.tail);
            const Archive archive = readArchive(file.fd(), file.size());
            ASSERT_EQ(archive.image, (Extent{frame.head.size(), size})) << length;
            ASSERT_EQ(archive.manifest, texts.manifest);
            ASSERT_FALSE(archive.damage);
        }
    }
}

TEST(ArchiveWriter, IsZip64ExactlyWhereItHasToBe) {
    constexpr std::uint64_t kFourGiB = std::uint64_t{1} << 32U;
    for (const std::uint64_t size : {kFourGiB - 3 * 4096, kFourGiB - 2 * 4096, kFourGiB - 4096, kFourGiB,
                                     kFourGiB + 4096, std::uint64_t{1} << 42U}) {
        const ArchiveTexts texts{"version: 0.9.3\n", "manifest", "signature"};
        const ArchiveFrame frame = frameArchive(texts, size, 0x12345678);
        MemoryFile file{frame.head};
        file.skip(size);
        file.append(frame.tail);
        const Archive archive = readArchive(file.fd(), file.size());
        EXPECT_EQ(archive.image, (Extent{4096, size}));
        EXPECT_EQ(archive.signature, "signature");
        const bool wide = frame.tail.find("PK\6\6") != std::string::npos;
        EXPECT_EQ(wide, frame.head.size() + size >= UINT32_MAX) << size;
    }
}

TEST(PiecewiseCrc, IsThatOfTheWholeInAnyOrder) {
    std::string data;
    for (int i = 0; i < 100000; ++i) data += static_cast<char>(i * 7);
    PiecewiseCrc crc;
    crc.add(70000, bytesOf(data).subspan(70000));
    crc.add(0, bytesOf(data).first(1));
    crc.add(1, bytesOf(data).subspan(1, 69999));
    EXPECT_EQ(crc.value(), test::crcOf(data));
    EXPECT_EQ(PiecewiseCrc{}.value(), 0U);
}

}  // namespace
}  // namespace northstar
