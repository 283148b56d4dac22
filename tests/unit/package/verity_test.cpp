// SPDX-License-Identifier: Apache-2.0
// The verity superblock: every field is checked.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "package/image/superblock.h"
#include "support/expect_error.h"
#include "support/test_data.h"

namespace northstar {
namespace {

using test::expectError;

constexpr std::uint64_t kOffset = 129 * 4096;
constexpr std::uint64_t kImageSize = kOffset + 4 * 4096;  // superblock, one block on top, two below

std::vector<std::uint8_t> bytesOf(const std::string& text) { return {text.begin(), text.end()}; }

std::vector<std::uint8_t> superblock() { return bytesOf(test::readData("verity/129-salted.tree").substr(0, 512)); }

TEST(VeritySuperblock, OfVeritysetupIsRead) {
    const Sha256 root{1, 2, 3};
    const Verity verity = parseVeritySuperblock(superblock(), root, kOffset, kImageSize);
    EXPECT_EQ(verity.rootHash, root);
    EXPECT_EQ(verity.superblockOffset, kOffset);
    EXPECT_EQ(verity.dataBlocks, 129U);
    EXPECT_EQ(verity.salt.size(), 32U);
    EXPECT_EQ(verity.salt[31], 0x1f);
    EXPECT_EQ(verity.hashStartBlock(), 130U);
    EXPECT_EQ(verity.hashBlocks(), 3U);
}

TEST(VeritySuperblock, MayHaveNoSaltOrTheLargest) {
    auto block = superblock();
    block[80] = block[81] = 0;
    EXPECT_TRUE(parseVeritySuperblock(block, {}, kOffset, kImageSize).salt.empty());
    block[81] = 1;
    EXPECT_EQ(parseVeritySuperblock(block, {}, kOffset, kImageSize).salt.size(), 256U);
}

TEST(Verity, CountsTheHashBlocksOfEachLevel) {
    const auto blocks = [](std::uint64_t dataBlocks) {
        Verity verity;
        verity.dataBlocks = dataBlocks;
        return verity.hashBlocks();
    };
    EXPECT_EQ(blocks(1), 0U);
    EXPECT_EQ(blocks(2), 1U);
    EXPECT_EQ(blocks(128), 1U);
    EXPECT_EQ(blocks(129), 3U);
    EXPECT_EQ(blocks(16384), 129U);
    EXPECT_EQ(blocks(16385), 132U);
    EXPECT_EQ(blocks(UINT64_MAX / 4096), 35461414388745U);
}

struct Wrong {
    const char* name;
    std::function<void(std::vector<std::uint8_t>&)> change;
    const char* message;
    Code code = Code::Corrupted;
};
class WrongSuperblock : public testing::TestWithParam<Wrong> {};

TEST_P(WrongSuperblock, IsRefusedNamingTheField) {
    auto block = superblock();
    GetParam().change(block);
    expectError(GetParam().code, GetParam().message,
                [&] { (void)parseVeritySuperblock(block, {}, kOffset, kImageSize); });
}

using Block = std::vector<std::uint8_t>;
INSTANTIATE_TEST_SUITE_P(
    Fields, WrongSuperblock,
    testing::Values(Wrong{"Magic", [](Block& b) { b[0] = 'V'; }, "signature"},
                    Wrong{"MagicNotFilledUp", [](Block& b) { b[7] = 1; }, "signature"},
                    Wrong{"Version", [](Block& b) { b[8] = 2; }, "version is 2"},
                    Wrong{"VersionsHighByte", [](Block& b) { b[11] = 1; }, "version is 16777217"},
                    Wrong{"HashTypeChromeOs", [](Block& b) { b[12] = 0; }, "hash type is 0"},
                    Wrong{"Algorithm", [](Block& b) { b[32 + 5] = '5'; }, "algorithm"},
                    Wrong{"AlgorithmWithMore", [](Block& b) { b[32 + 6] = 'd'; }, "algorithm"},
                    Wrong{"AlgorithmNotFilledUp", [](Block& b) { b[32 + 31] = 'x'; }, "algorithm"},
                    Wrong{"DataBlockSize", [](Block& b) { b[65] = 2; }, "data block size is 512"},
                    Wrong{"HashBlockSize", [](Block& b) { b[69] = 2; }, "hash block size is 512"},
                    Wrong{"DataBlocksLess", [](Block& b) { b[72] = 128; }, "number of data blocks is 128"},
                    Wrong{"DataBlocksHuge", [](Block& b) { std::fill_n(b.begin() + 72, 8, std::uint8_t{255}); },
                          "number of data blocks is 18446744073709551615, expected 129"},
                    Wrong{"SaltSize", [](Block& b) { b[80] = b[81] = 1; }, "salt size is 257"},
                    Wrong{"SaltSizeMaximum", [](Block& b) { b[80] = b[81] = 255; }, "salt size is 65535"},
                    Wrong{"Padding", [](Block& b) { b[87] = 1; }, "padding"},
                    Wrong{"CutOff", [](Block& b) { b.resize(511); }, "beyond the end", Code::InvalidPackage},
                    Wrong{"Empty", [](Block& b) { b.clear(); }, "beyond the end", Code::InvalidPackage}),
    [](const auto& tested) { return tested.param.name; });

void expectRefused(std::uint64_t offset, std::uint64_t imageSize, const char* message) {
    expectError(Code::InvalidPackage, message,
                [&] { (void)parseVeritySuperblock(superblock(), {}, offset, imageSize); });
}

TEST(VeritySuperblock, AtAWrongOffsetIsRefused) {
    expectRefused(0, kImageSize, "not a positive multiple of 4096");
    expectRefused(kOffset + 512, kImageSize, "not a positive multiple of 4096");
    expectRefused(UINT64_MAX, kImageSize, "not a positive multiple of 4096");
    expectRefused(UINT64_MAX - 4095, kImageSize, "beyond the end");
    expectRefused(kImageSize, kImageSize, "beyond the end");
}

TEST(VeritySuperblock, WithoutRoomForItsTreeIsRefused) {
    expectRefused(kOffset, kImageSize - 1, "tree does not fit");
    expectRefused(kOffset, kOffset + 4096, "tree does not fit");
    expectRefused(kOffset, kOffset + 4095, "beyond the end");
}

}  // namespace
}  // namespace northstar
