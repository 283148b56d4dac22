// SPDX-License-Identifier: Apache-2.0
// What formats and filesystems a package may have.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string>

#include "package/package.h"
#include "support/expect_error.h"
#include "support/package_builder.h"
#include "support/temporary_directory.h"

namespace northstar {
namespace {

using test::PackageSpec;

Package open(const PackageSpec& spec, SignaturePolicy policy = SignaturePolicy::Required) {
    return openPackage(test::buildPackage(spec).release(), test::keyRing({"golden"}), policy, "test.npk");
}
void expectRefused(const std::string& message, const PackageSpec& spec,
                   SignaturePolicy policy = SignaturePolicy::Required) {
    test::expectError(Code::InvalidPackage, message, [&] { (void)open(spec, policy); });
}

TEST(FormatVersion, IsAcceptedFrom09UpTo1) {
    for (const char* good : {"0.9.0", "0.9.3", "0.9.10", "0.10.0", "0.99.0"}) {
        PackageSpec spec;
        spec.comment = std::string{"version: "} + good + "\n";
        EXPECT_EQ(open(spec).format, good);
    }
    for (const char* bad : {"0.8.9", "0.0.1", "1.0.0", "2.0.0", "0.9.3-rc1"}) {
        PackageSpec spec;
        spec.comment = std::string{"version: "} + bad + "\n";
        expectRefused("0.9.0 and later, below 1.0.0", spec);
    }
}

TEST(FormatVersion, HasOneForm) {
    PackageSpec spec;
    spec.comment = "version: 0.9.3";
    EXPECT_EQ(open(spec).format, "0.9.3");
    for (const char* bad : {"0.9.3", "version: 0.9", "version:0.9.3\n", "version: 0.9.3\n\n", "version: 0.9.3\nx: 1\n",
                            "{version: 0.9.3}", "version: '0.9.3'\n", "Version: 0.9.3\n", " version: 0.9.3\n"}) {
        spec.comment = bad;
        expectRefused("not a format version", spec);
    }
}

std::string erofsLike(std::uint32_t blocks, std::uint8_t blockBits) {
    std::string data = std::string(3 * 4096, '\0');
    data.replace(1024, 4, "\xe2\xe1\xf5\xe0");
    data[1024 + 12] = static_cast<char>(blockBits);
    for (std::size_t i = 0; i < 4; ++i) data[1024 + 36 + i] = static_cast<char>(blocks >> (8 * i));
    return data;
}

TEST(Filesystem, IsToldByItsSuperblock) {
    PackageSpec spec;
    EXPECT_STREQ(toString(open(spec).filesystem), "squashfs");
    spec.data = erofsLike(3, 12);
    EXPECT_STREQ(toString(open(spec).filesystem), "erofs");
    spec.data = erofsLike(24, 9);
    EXPECT_EQ(open(spec).filesystem, Filesystem::Erofs);
}

TEST(Filesystem, ThatIsNotKnownIsRefused) {
    PackageSpec spec;
    spec.data = std::string(3 * 4096, 'x');
    expectRefused("neither squashfs nor erofs", spec);
    spec.data = test::squashfsLike(1);
    spec.data[28] = 3;
    expectRefused("squashfs version 3.0", spec);
    spec.data = erofsLike(3, 60);
    expectRefused("2^60", spec);
}

TEST(Filesystem, LargerThanItsPlaceIsRefused) {
    PackageSpec spec;
    spec.data[40] = 1;  // one byte into the superblock
    expectRefused("larger than the image's 12288 bytes", spec);
    spec.data = test::squashfsLike(3);
    spec.data.replace(40, 8, "\xff\xff\xff\xff\xff\xff\xff\xff");
    expectRefused("larger than the image", spec);
    spec.data = erofsLike(4, 12);
    expectRefused("larger than the image", spec);
    spec.data = erofsLike(0xffffffff, 16);
    expectRefused("larger than the image", spec);
}

// Sets a number in an erofs superblock: fs/erofs/erofs_fs.h, struct erofs_super_block.
void setField(std::string& erofs, std::size_t offset, std::uint16_t value) {
    erofs[1024 + offset] = static_cast<char>(value & 0xff);
    erofs[1024 + offset + 1] = static_cast<char>(value >> 8U);
}
constexpr std::size_t kIncompat = 80, kExtraDevices = 86;

// Whether or not a feature bit says so: it is one bit for two features.
TEST(Filesystem, ThatNamesOtherDevicesIsRefused) {
    for (const std::uint16_t features : std::initializer_list<std::uint16_t>{0, 8, 0xc}) {
        for (const bool isSigned : {true, false}) {
            PackageSpec spec;
            if (!isSigned) spec.key.reset();
            spec.data = erofsLike(3, 12);
            setField(spec.data, kIncompat, features);
            setField(spec.data, kExtraDevices, 256);
            expectRefused("names 256 other block devices", spec, SignaturePolicy::Optional);
        }
    }
}

TEST(Filesystem, ThatNeedsWhatIsNotKnownIsRefused) {
    PackageSpec spec;
    spec.data = erofsLike(3, 12);
    setField(spec.data, kIncompat, 0x7f);
    EXPECT_EQ(open(spec).filesystem, Filesystem::Erofs);
    setField(spec.data, kIncompat, 0x87);
    expectRefused("feature_incompat 0x80", spec);
    setField(spec.data, kIncompat + 2, 0x8000);
    expectRefused("feature_incompat 0x80000080", spec);
}

// Signed with a device table, shown without: what counts is what the kernel will read.
TEST(Filesystem, IsJudgedByBytesThatWereSigned) {
    PackageSpec spec;
    spec.data = erofsLike(3, 12);
    setField(spec.data, kExtraDevices, 1);
    spec.changeImage = [](std::string& image) { setField(image, kExtraDevices, 0); };
    test::expectError(Code::Corrupted, "Data block 0", [&] { (void)open(spec); });
}

TEST(Filesystem, ThatMkfsMadeWithABlobDeviceIsRefused) {
    if (std::system("command -v mkfs.erofs >/dev/null") != 0) GTEST_SKIP() << "needs erofs-utils";
    const test::TemporaryDirectory directory;
    std::filesystem::create_directory(directory / "root");
    directory.write("root/file", std::string(100'000, 'x'));
    const auto make = [&](const std::string& options) {
        const std::string image = directory / "image", quiet = " >/dev/null 2>&1";
        const std::string command = "mkfs.erofs " + options + " " + image + " " + (directory / "root");
        EXPECT_EQ(std::system((command + quiet).c_str()), 0) << command;
        std::ostringstream bytes;
        bytes << std::ifstream{image, std::ios::binary}.rdbuf();
        PackageSpec spec;
        spec.data = bytes.str();
        spec.data.resize((spec.data.size() + 4095) / 4096 * 4096);
        return spec;
    };
    for (const char* options : {"", "-zlz4hc", "--chunksize=4096", "-Eztailpacking -zlz4hc"}) {
        EXPECT_EQ(open(make(options)).filesystem, Filesystem::Erofs) << options;
    }
    directory.write("blob", "");  // erofs-utils 1.8 wants it to be there
    expectRefused("names 1 other block devices", make("--chunksize=4096 --blobdev=" + directory / "blob"));
}

TEST(Filesystem, ThatIsEmptyIsRefused) {
    PackageSpec spec;
    spec.key.reset();
    spec.data.clear();
    expectRefused("neither squashfs nor erofs", spec, SignaturePolicy::Optional);
}

}  // namespace
}  // namespace northstar
