// SPDX-License-Identifier: Apache-2.0
// Archives that take a liberty with the ZIP format: each is refused.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "package/zip/archive.h"
#include "support/expect_error.h"
#include "support/memory_file.h"
#include "support/zip_builder.h"

namespace northstar {
namespace {

using test::expectError;
using test::MemoryFile;
using test::packageZip;
using test::ZipEntrySpec;
using test::ZipSpec;

Archive read(const MemoryFile& file) { return readArchive(file.fd(), file.size()); }

struct Hostile {
    const char* name;
    std::function<void(ZipSpec&)> change;
    const char* message;
};
class HostileArchive : public testing::TestWithParam<Hostile> {};

TEST_P(HostileArchive, IsRefused) {
    ZipSpec zip = packageZip();
    GetParam().change(zip);
    const MemoryFile file = writeZip(zip);
    expectError(Code::InvalidPackage, GetParam().message, [&] { (void)read(file); });
}

std::string print(const testing::TestParamInfo<Hostile>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Entries, HostileArchive,
    testing::Values(
        Hostile{"None", [](ZipSpec& z) { z.entries.clear(); }, "0 entries"},
        Hostile{"OneOnly", [](ZipSpec& z) { z.entries.resize(1); }, "1 entries"},
        Hostile{"NoImage", [](ZipSpec& z) { z.entries.resize(2); }, "where 'fs.img' has to be"},
        Hostile{"NoManifest", [](ZipSpec& z) { z.entries.erase(z.entries.begin()); }, "where 'manifest.yaml'"},
        Hostile{"WrongOrder", [](ZipSpec& z) { std::swap(z.entries[0], z.entries[1]); }, "where 'manifest.yaml'"},
        Hostile{"UnknownName", [](ZipSpec& z) { z.entries[1].name = "other.yaml"; }, "'other.yaml' where"},
        Hostile{"NameInCapitals", [](ZipSpec& z) { z.entries[0].name = "MANIFEST.YAML"; }, "where 'manifest.yaml'"},
        Hostile{"NameWithNul", [](ZipSpec& z) { z.entries[0].name += '\0'; }, "where 'manifest.yaml'"},
        Hostile{"EmptyName", [](ZipSpec& z) { z.entries[0].name.clear(); }, "where 'manifest.yaml'"},
        Hostile{"LongName", [](ZipSpec& z) { z.entries[0].name = std::string(65535, 'n'); }, "name that is too long"},
        Hostile{"Fourth", [](ZipSpec& z) { z.entries.push_back({}); }, "4 entries"},
        Hostile{"ImageTwice", [](ZipSpec& z) { z.entries[1] = z.entries[2]; }, "where 'signature.yaml'"},
        Hostile{"ManifestTwice", [](ZipSpec& z) { z.entries[1] = z.entries[0]; }, "where 'signature.yaml'"},
        Hostile{"CountTooSmall", [](ZipSpec& z) { z.entryCount = 2; }, "where 'fs.img' has to be"},
        Hostile{"CountTooLarge",
                [](ZipSpec& z) {
                    z.entries.erase(z.entries.begin() + 1);
                    z.entryCount = 3;
                },
                "where 'signature.yaml'"},
        Hostile{"Deflated", [](ZipSpec& z) { z.entries[0].local.method = z.entries[0].central.method = 8; },
                "compressed"},
        Hostile{"Encrypted", [](ZipSpec& z) { z.entries[0].local.flags = z.entries[0].central.flags = 1; },
                "encrypted"},
        Hostile{"DataDescriptor", [](ZipSpec& z) { z.entries[2].local.flags = z.entries[2].central.flags = 8; },
                "data descriptor"},
        Hostile{"StronglyEncrypted", [](ZipSpec& z) { z.entries[2].local.flags = z.entries[2].central.flags = 0x2040; },
                "encrypted"},
        Hostile{"WithComment", [](ZipSpec& z) { z.entries[2].comment = "hidden"; }, "has a comment"},
        Hostile{"OnAnotherDisk", [](ZipSpec& z) { z.entries[2].disk = 1; }, "another part"},
        Hostile{"ManifestTooLarge", [](ZipSpec& z) { z.entries[0].content.resize((1 << 20) + 1); },
                "larger than 1 MiB"},
        Hostile{"SignatureTooLarge", [](ZipSpec& z) { z.entries[1].content.resize((1 << 20) + 1); },
                "larger than 1 MiB"},
        Hostile{"UnalignedImage", [](ZipSpec& z) { z.entries[2].alignment = 1; }, "multiple of 4096"},
        Hostile{"ImageAlignedTo512", [](ZipSpec& z) { z.entries[2].alignment = 512; }, "multiple of 4096"}),
    print);

INSTANTIATE_TEST_SUITE_P(
    Gaps, HostileArchive,
    testing::Values(
        Hostile{"BeforeTheFirstEntry", [](ZipSpec& z) { z.entries[0].gapBefore = "#!/bin/sh\n"; },
                "gap before 'manifest.yaml'"},
        Hostile{"BeforeTheSignature", [](ZipSpec& z) { z.entries[1].gapBefore = "x"; }, "gap before 'signature.yaml'"},
        Hostile{"BeforeTheImage", [](ZipSpec& z) { z.entries[2].gapBefore = std::string(4096, 'x'); },
                "gap before 'fs.img'"},
        Hostile{"BeforeTheDirectory", [](ZipSpec& z) { z.gapBeforeDirectory = "x"; },
                "gap before its central directory"},
        Hostile{"BehindTheDirectory", [](ZipSpec& z) { z.gapBehindDirectory = "x"; }, "does not end where"},
        Hostile{"BehindTheDirectoryButCounted",
                [](ZipSpec& z) {
                    z.gapBehindDirectory = "x";
                    z.directorySize = 3 * 46 + 13 + 14 + 6 + 4015 + 1;
                },
                "central directory"},
        Hostile{"BehindTheComment", [](ZipSpec& z) { z.trailing = "x"; }, "not the end of the file"},
        Hostile{"BehindTheCommentIsALot", [](ZipSpec& z) { z.trailing = std::string(5000, 'x'); }, "no ZIP end record"},
        Hostile{"PrefixNotCountedInOffsets",
                [](ZipSpec& z) {
                    z.entries[0].gapBefore = "x";
                    z.directoryOffset = 12287;
                    for (auto& entry : z.entries) entry.central.headerOffset = 0;
                },
                "does not end where"}),
    print);

INSTANTIATE_TEST_SUITE_P(
    TwoDescriptions, HostileArchive,
    testing::Values(
        Hostile{"OfTheName", [](ZipSpec& z) { z.entries[0].local.name = "manifest.yamk"; }, "differs"},
        Hostile{"OfTheNamesLength", [](ZipSpec& z) { z.entries[0].local.name = "manifest"; }, "differs"},
        Hostile{"OfTheFlags", [](ZipSpec& z) { z.entries[0].local.flags = 0x800; }, "differs"},
        Hostile{"OfADataDescriptor", [](ZipSpec& z) { z.entries[0].local.flags = 8; }, "differs"},
        Hostile{"OfTheMethod", [](ZipSpec& z) { z.entries[2].local.method = 8; }, "differs"},
        Hostile{"OfTheCrc", [](ZipSpec& z) { z.entries[2].local.crc = 7; }, "differs"},
        Hostile{"OfTheCompressedSize", [](ZipSpec& z) { z.entries[2].local.compressedSize = 4096; }, "differs"},
        Hostile{"OfTheUncompressedSize", [](ZipSpec& z) { z.entries[2].local.uncompressedSize = 4096; }, "differs"},
        Hostile{"OfTheZip64Size",
                [](ZipSpec& z) {
                    z.entries[2].zip64 = true;
                    z.entries[2].local.compressedSize = z.entries[2].local.uncompressedSize = 4096;
                },
                "differs"},
        Hostile{"OfBothSizes",
                [](ZipSpec& z) { z.entries[2].local.compressedSize = z.entries[2].central.compressedSize = 4096; },
                "two different sizes"},
        Hostile{"OfWhereItIs", [](ZipSpec& z) { z.entries[1].central.headerOffset = 0; }, "differs"},
        Hostile{"OfWhereItIsBeyondTheEnd", [](ZipSpec& z) { z.entries[2].central.headerOffset = 0xfffffff0; },
                "differs"}),
    print);

void setSizes(ZipEntrySpec& entry, std::uint64_t size) {
    for (auto* header : {&entry.local, &entry.central}) header->compressedSize = header->uncompressedSize = size;
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, HostileArchive,
    testing::Values(
        Hostile{"ImageBeyondTheEnd", [](ZipSpec& z) { setSizes(z.entries[2], 0x7fffffff); }, "not inside the file"},
        Hostile{"ImageIntoTheDirectory", [](ZipSpec& z) { setSizes(z.entries[2], 8193); }, "gap before its central"},
        Hostile{"ImageShorterThanItsRoom", [](ZipSpec& z) { setSizes(z.entries[2], 4096); }, "gap before its central"},
        Hostile{"ManifestBeyondTheEnd", [](ZipSpec& z) { setSizes(z.entries[0], 0xfffffffe); }, "not inside the file"},
        Hostile{"SaturatedWithoutZip64", [](ZipSpec& z) { setSizes(z.entries[2], 0xffffffff); },
                "zip64 field is missing"},
        Hostile{"Zip64Maximum",
                [](ZipSpec& z) {
                    z.entries[2].zip64 = true;
                    setSizes(z.entries[2], UINT64_MAX);
                },
                "not inside the file"},
        Hostile{"Zip64Wraps",
                [](ZipSpec& z) {
                    z.entries[2].zip64 = true;
                    setSizes(z.entries[2], UINT64_MAX - 4095);
                },
                "not inside the file"},
        Hostile{"Zip64Negative",
                [](ZipSpec& z) {
                    z.entries[2].zip64 = true;
                    setSizes(z.entries[2], std::uint64_t{1} << 63U);
                },
                "not inside the file"},
        Hostile{"DirectoryOffsetBeyondTheEnd", [](ZipSpec& z) { z.directoryOffset = 0xfffffff0; },
                "does not end where"},
        Hostile{"DirectorySizeBeyondTheEnd", [](ZipSpec& z) { z.directorySize = 0xfffffff0; }, "does not end where"},
        Hostile{"Zip64DirectoryWraps",
                [](ZipSpec& z) {
                    z.zip64 = true;
                    z.directoryOffset = UINT64_MAX;
                },
                "does not end where"},
        Hostile{"Zip64Count",
                [](ZipSpec& z) {
                    z.zip64 = true;
                    z.entryCount = UINT64_MAX;
                },
                "18446744073709551615 entries"},
        Hostile{"NoComment", [](ZipSpec& z) { z.comment.clear(); }, "no comment"},
        Hostile{"CommentTooLong", [](ZipSpec& z) { z.comment = std::string(1066, 'c'); }, "no ZIP end record"},
        Hostile{"CommentWithAnEndRecord", [](ZipSpec& z) { z.comment = "PK\5\6" + std::string(40, '\0'); },
                "not the end of the file"}),
    print);

}  // namespace
}  // namespace northstar
