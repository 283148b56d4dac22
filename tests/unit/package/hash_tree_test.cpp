// SPDX-License-Identifier: Apache-2.0
// The hash tree against images that veritysetup made, and against damage in any place.
#include "package/image/hash_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

#include "base/hex.h"
#include "package/package.h"
#include "support/expect_error.h"
#include "support/memory_file.h"
#include "support/package_builder.h"
#include "support/test_data.h"

namespace northstar {
namespace {

using test::expectError;
using test::MemoryFile;

constexpr std::uint64_t kBlock = 4096;
constexpr std::uint64_t kBefore = 3 * kBlock;  // bytes before the image, as in a package

struct Image {
    MemoryFile file;
    std::string data;
    Extent extent;
    Verity verity;
};

// The data that tests/data/make-verity-images describes, with the tree that veritysetup made of it.
Image imageOf(const std::string& name) {
    std::uint64_t blocks = 0;
    std::string line, root;
    std::ifstream roots{test::dataPath("verity/ROOTS")};
    while (roots >> blocks >> line >> root && line != name) {}
    EXPECT_EQ(line, name);
    Image image;
    for (std::uint64_t block = 0; block < blocks; ++block) {
        const std::string number = std::to_string(block);
        const std::string text = std::string(15 - number.size(), '0') + number + "\n";
        for (int i = 0; i < 256; ++i) image.data += text;
    }
    const std::string tree = test::readData("verity/" + name + ".tree");
    image.file.skip(kBefore);
    image.file.append(image.data + tree);
    image.extent = {kBefore, image.data.size() + tree.size()};
    Sha256 hash{};
    const auto bytes = fromHex(root).value();
    std::copy(bytes.begin(), bytes.end(), hash.begin());
    const std::vector<std::uint8_t> superblock{tree.begin(), tree.end()};
    image.verity = parseVeritySuperblock(superblock, hash, image.data.size(), image.extent.size);
    return image;
}

void verify(const Image& image, unsigned threads = 2, const HashTree::Sink& sink = {}) {
    const HashTree tree = HashTree::load(image.file.fd(), image.extent, image.verity);
    tree.verifyData(image.file.fd(), image.extent, threads, {}, sink);
}

// Changes one bit `at` bytes into the image.
void damage(const Image& image, std::uint64_t at) {
    std::string byte = test::contentOf(image.file.fd(), kBefore + at, 1);
    byte[0] = static_cast<char>(byte[0] ^ 1);
    image.file.overwrite(kBefore + at, byte);
}

class VeritysetupImage : public testing::TestWithParam<const char*> {};

TEST_P(VeritysetupImage, VerifiesWithAnyNumberOfThreads) {
    const Image image = imageOf(GetParam());
    for (const unsigned threads : {0U, 1U, 2U, 7U, 1000U}) EXPECT_NO_THROW(verify(image, threads)) << threads;
}

TEST_P(VeritysetupImage, WithOneBitChangedInTheFirstOrLastBlockIsCorrupted) {
    for (const bool last : {false, true}) {
        const Image image = imageOf(GetParam());
        damage(image, last ? image.data.size() - 1 : 0);
        const std::uint64_t block = last ? image.verity.dataBlocks - 1 : 0;
        expectError(Code::Corrupted, "Data block " + std::to_string(block) + " ", [&] { verify(image); });
    }
}

TEST_P(VeritysetupImage, WithOneBitChangedInAnyHashBlockIsCorruptedThere) {
    const Image image = imageOf(GetParam());
    const std::uint64_t blocks = image.verity.hashBlocks();
    for (std::uint64_t i = 0; i < blocks; i += std::max<std::uint64_t>(1, blocks / 9)) {
        const std::uint64_t block = image.verity.hashStartBlock() + i;
        damage(image, block * kBlock + kBlock - 1);  // mostly what fills up the block: it is hashed, too
        expectError(Code::Corrupted, "Block " + std::to_string(block) + " ", [&] { verify(image); });
        damage(image, block * kBlock + kBlock - 1);
    }
    EXPECT_NO_THROW(verify(image));
}

TEST_P(VeritysetupImage, WithAnotherRootHashOrSaltIsCorrupted) {
    Image image = imageOf(GetParam());
    image.verity.rootHash[31] ^= 1U;
    EXPECT_THROW(verify(image), Error);
    image.verity.rootHash[31] ^= 1U;
    image.verity.salt.push_back(0);
    EXPECT_THROW(verify(image), Error);
}

TEST_P(VeritysetupImage, IsHandedOverWholeAndOnce) {
    const Image image = imageOf(GetParam());
    std::string copy(image.data.size(), '\0');
    std::mutex mutex;
    std::uint64_t bytes = 0;
    verify(image, 3, [&](std::uint64_t offset, std::span<const std::uint8_t> data) {
        const std::lock_guard lock{mutex};
        bytes += data.size();
        std::copy(data.begin(), data.end(), copy.begin() + static_cast<std::ptrdiff_t>(offset));
    });
    EXPECT_EQ(bytes, image.data.size());
    EXPECT_TRUE(copy == image.data);
}

INSTANTIATE_TEST_SUITE_P(Sizes, VeritysetupImage,
                         testing::Values("1-plain", "1-salted", "2-plain", "2-salted", "128-plain", "128-salted",
                                         "129-plain", "129-salted", "16385-salted"));

TEST(HashTree, NamesTheLowestOfSeveralDamagedBlocks) {
    const Image image = imageOf("16385-salted");
    for (const std::uint64_t block : {16000, 9000, 8999, 4097, 700, 600}) {
        damage(image, block * kBlock + 5);
        for (const unsigned threads : {1U, 2U, 8U}) {
            expectError(Code::Corrupted, "Data block " + std::to_string(block) + " ", [&] { verify(image, threads); });
        }
    }
}

TEST(HashTree, HandsOverNoChunkWithDamageInIt) {
    const Image image = imageOf("16385-salted");
    damage(image, 1000 * kBlock);
    std::atomic<bool> handedOver = false;
    expectError(Code::Corrupted, "Data block 1000 ", [&] {
        verify(image, 4, [&](std::uint64_t offset, std::span<const std::uint8_t> data) {
            if (offset <= 1000 * kBlock && 1000 * kBlock < offset + data.size()) handedOver = true;
        });
    });
    EXPECT_FALSE(handedOver);
}

TEST(HashTree, FindsBlocksThatAreCutOff) {
    const Image image = imageOf("16385-salted");
    const HashTree tree = HashTree::load(image.file.fd(), image.extent, image.verity);
    ASSERT_EQ(::ftruncate(image.file.fd(), static_cast<off_t>(kBefore + 5000 * kBlock + 17)), 0);
    expectError(Code::Corrupted, "Data block 5000 ", [&] { tree.verifyData(image.file.fd(), image.extent, 2, {}); });
    EXPECT_THROW((void)HashTree::load(image.file.fd(), image.extent, image.verity), Error);
}

TEST(HashTree, LetsTheSinksErrorThrough) {
    const Image image = imageOf("16385-salted");
    expectError(Code::CapacityExceeded, "full",
                [&] { verify(image, 4, [](auto, auto) { throw Error{Code::CapacityExceeded, "full"}; }); });
}

TEST(HashTree, StopsWhenItIsAskedTo) {
    const Image image = imageOf("16385-salted");
    const HashTree tree = HashTree::load(image.file.fd(), image.extent, image.verity);
    std::stop_source stop;
    std::atomic<int> chunks = 0;
    expectError(Code::Failed, "given up", [&] {
        tree.verifyData(image.file.fd(), image.extent, 2, stop.get_token(), [&](auto, auto) {
            ++chunks;
            stop.request_stop();
        });
    });
    EXPECT_LE(chunks, 2);
}

TEST(HashTree, FailsIfItCannotRead) {
    const Image image = imageOf("129-salted");
    const HashTree tree = HashTree::load(image.file.fd(), image.extent, image.verity);
    expectError(Code::Failed, "EBADF", [&] { tree.verifyData(-1, image.extent, 2, {}); });
    expectError(Code::Failed, "EBADF", [&] { (void)HashTree::load(-1, image.extent, image.verity); });
}

TEST(HashTree, IsNotReadBeyondItsImage) {
    Image image = imageOf("129-salted");
    image.extent.size -= 1;
    expectError(Code::Failed, "does not fit",
                [&] { (void)HashTree::load(image.file.fd(), image.extent, image.verity); });
    for (const std::uint64_t blocks : {std::uint64_t{0}, UINT64_MAX / kBlock, std::uint64_t{1} << 51U}) {
        image.verity.dataBlocks = blocks;
        expectError(Code::Failed, "does not fit",
                    [&] { (void)HashTree::load(image.file.fd(), image.extent, image.verity); });
    }
}

// 2^42 bytes would need 32 GiB for their digests.
TEST(HashTree, OfAHugeImageThatIsALieIsFoundOutBeforeItCostsMemory) {
    Verity verity;
    verity.dataBlocks = std::uint64_t{1} << 30U;
    verity.superblockOffset = verity.dataBlocks * kBlock;
    MemoryFile file;
    file.skip((verity.hashStartBlock() + verity.hashBlocks()) * kBlock);
    expectError(Code::Corrupted, "Block 1073741825 ",
                [&] { (void)HashTree::load(file.fd(), {0, file.size()}, verity); });
}

TEST(TamperedPackage, WithChangedDataIsFoundByReadingIt) {
    const Package package = openPackage(test::openData("tampered/fsimg-data-changed.npk"), test::keyRing({"golden"}),
                                        SignaturePolicy::Required, "tampered");
    const HashTree tree = HashTree::load(package.fd.get(), package.image, *package.verity);
    expectError(Code::Corrupted, "Data block 2 ", [&] { tree.verifyData(package.fd.get(), package.image, 0, {}); });
}

}  // namespace
}  // namespace northstar
