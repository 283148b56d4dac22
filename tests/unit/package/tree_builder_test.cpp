// SPDX-License-Identifier: Apache-2.0
// Hash trees against those that veritysetup made, to the byte.
#include "package/image/tree_builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <string>

#include "base/hex.h"
#include "package/image/hash_tree.h"
#include "support/expect_error.h"
#include "support/memory_file.h"
#include "support/test_data.h"

namespace northstar {
namespace {

using test::expectError;
using test::MemoryFile;

constexpr std::uint64_t kBlock = 4096;
// What tests/data/make-verity-images gave to veritysetup.
constexpr std::array<std::uint8_t, 16> kUuid{0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 0};

std::vector<std::uint8_t> saltOf(const std::string& name) {
    std::vector<std::uint8_t> salt;
    if (name.ends_with("-salted")) {
        for (std::uint8_t i = 0; i < 32; ++i) salt.push_back(i);
    }
    return salt;
}

std::string dataOf(std::uint64_t blocks) {
    std::string data;
    for (std::uint64_t block = 0; block < blocks; ++block) {
        const std::string number = std::to_string(block);
        const std::string text = std::string(15 - number.size(), '0') + number + "\n";
        for (int i = 0; i < 256; ++i) data += text;
    }
    return data;
}

std::string textOf(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

TEST(TreeBuilder, MakesTheBytesThatVeritysetupMakes) {
    std::ifstream roots{test::dataPath("verity/ROOTS")};
    std::uint64_t blocks = 0;
    std::string name, root;
    int checked = 0;
    while (roots >> blocks >> name >> root) {
        for (const unsigned threads : {1U, 2U, 9U}) {
            MemoryFile file{"before"};
            file.append(dataOf(blocks));
            const BuiltTree tree =
                buildTree(file.fd(), {6, blocks * kBlock}, {.salt = saltOf(name), .uuid = kUuid, .threads = threads});
            EXPECT_EQ(toHex(tree.verity.rootHash), root) << name;
            EXPECT_TRUE(textOf(tree.blocks) == test::readData("verity/" + name + ".tree")) << name;
            EXPECT_EQ(tree.blocks.size(), verityOverhead(blocks)) << name;
            ++checked;
        }
    }
    EXPECT_EQ(checked, 27);
}

TEST(TreeBuilder, FillsTheLastBlockUpWithZeros) {
    const std::string data = dataOf(3).substr(0, 2 * kBlock + 1);
    const MemoryFile partial{data}, whole{data + std::string(kBlock - 1, '\0')};
    const BuiltTree one = buildTree(partial.fd(), {0, data.size()}, {.salt = {1, 2, 3}});
    const BuiltTree other = buildTree(whole.fd(), {0, 3 * kBlock}, {.salt = {1, 2, 3}});
    EXPECT_EQ(one.verity.dataBlocks, 3U);
    EXPECT_TRUE(one.blocks == other.blocks);
}

TEST(TreeBuilder, MakesAUuidOfSaltAndContent) {
    const MemoryFile file{dataOf(2)}, other{dataOf(3).substr(kBlock)};
    const auto uuid = [](const MemoryFile& data, const std::vector<std::uint8_t>& salt) {
        const BuiltTree tree = buildTree(data.fd(), {0, 2 * kBlock}, {.salt = salt});
        return std::vector<std::uint8_t>(tree.blocks.begin() + 16, tree.blocks.begin() + 32);
    };
    EXPECT_EQ(uuid(file, {1}), uuid(file, {1}));
    EXPECT_NE(uuid(file, {1}), uuid(file, {2}));
    EXPECT_NE(uuid(file, {1}), uuid(other, {1}));
    EXPECT_EQ(uuid(file, {1})[6] >> 4U, 4U);
}

TEST(TreeBuilder, HandsOutEachPieceThatItHashed) {
    const std::string data = dataOf(600);
    const MemoryFile file{data};
    std::string seen(data.size(), '\0');
    std::mutex mutex;
    static_cast<void>(buildTree(file.fd(), {0, data.size()}, {.sink = [&](std::uint64_t offset, Bytes piece) {
                                    const std::lock_guard lock{mutex};
                                    std::ranges::copy(piece, seen.begin() + static_cast<std::ptrdiff_t>(offset));
                                }}));
    EXPECT_TRUE(seen == data);
}

TEST(TreeBuilder, TakesHolesWithoutHashingEach) {
    MemoryFile file{dataOf(1)};
    file.skip(100000 * kBlock);
    const BuiltTree tree = buildTree(file.fd(), {0, file.size()}, {.salt = {7}});
    MemoryFile image{dataOf(1)};
    image.skip(100000 * kBlock);
    image.append(textOf(tree.blocks));
    const HashTree loaded = HashTree::load(image.fd(), {0, image.size()}, tree.verity);
    EXPECT_NO_THROW(loaded.verifyData(image.fd(), {0, image.size()}, 2, {}));
}

TEST(TreeBuilder, RefusesWhatCannotBe) {
    const MemoryFile file{dataOf(1)};
    expectError(Code::Failed, "no data", [&] { static_cast<void>(buildTree(file.fd(), {0, 0}, {})); });
    expectError(Code::Failed, "shorter", [&] { static_cast<void>(buildTree(file.fd(), {0, 2 * kBlock}, {})); });
    expectError(Code::Failed, "no data", [&] { static_cast<void>(buildTree(file.fd(), {0, UINT64_MAX}, {})); });
    expectError(Code::InvalidArgs, "256", [&] {
        static_cast<void>(buildTree(file.fd(), {0, kBlock}, {.salt = std::vector<std::uint8_t>(257)}));
    });
    expectError(Code::Busy, "enough", [&] {
        static_cast<void>(buildTree(file.fd(), {0, kBlock},
                                    {.sink = [](std::uint64_t, Bytes) { throw Error{Code::Busy, "enough"}; }}));
    });
}

}  // namespace
}  // namespace northstar
