// SPDX-License-Identifier: Apache-2.0
// Public keys and rings of them.
#include "package/keys.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/hex.h"
#include "support/expect_error.h"
#include "support/test_data.h"

namespace northstar {
namespace {

using test::dataPath;
using test::expectError;

PublicKey keyOf(const std::string& hex) {
    const auto bytes = fromHex(hex);
    std::array<std::uint8_t, PublicKey::kSize> raw{};
    std::copy_n(bytes.value().begin(), raw.size(), raw.begin());
    return PublicKey{raw};
}

// RFC 8032, 7.1, tests 1 to 3 and SHA(abc).
struct Vector {
    const char *key, *message, *signature;
};
const Vector kVectors[] = {
    {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f"
     "0595bbe24655"
     "141438e7a100b"},
    {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2ea"
     "eb4302aeeb00"
     "d291612bb0c00"},
    {"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e"
     "9716ed28dc02"
     "7beceea1ec40a"},
    {"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d442"
     "3643ce80e2a9"
     "ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179"
     "c138ac17ad9b"
     "ef1177331a704"},
};

std::string text(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

class Rfc8032 : public testing::TestWithParam<Vector> {};

TEST_P(Rfc8032, SignatureIsGoodForItsMessageAndKeyOnly) {
    const PublicKey key = keyOf(GetParam().key);
    const std::string message = text(fromHex(GetParam().message).value());
    std::vector<std::uint8_t> signature = fromHex(GetParam().signature).value();
    EXPECT_TRUE(key.verifies(message, signature));
    EXPECT_FALSE(key.verifies(message + "x", signature));
    for (const Vector& other : kVectors) {
        EXPECT_EQ(keyOf(other.key).verifies(message, signature), keyOf(other.key) == key);
    }
    signature[0] ^= 1U;
    EXPECT_FALSE(key.verifies(message, signature));
}
INSTANTIATE_TEST_SUITE_P(Vectors, Rfc8032, testing::ValuesIn(kVectors));

TEST(PublicKey, RefusesSignaturesOfAWrongSize) {
    const PublicKey key = keyOf(kVectors[0].key);
    std::vector<std::uint8_t> signature = fromHex(kVectors[0].signature).value();
    EXPECT_FALSE(key.verifies("", {}));
    EXPECT_FALSE(key.verifies("", std::span{signature}.first(63)));
    signature.push_back(0);
    EXPECT_FALSE(key.verifies("", signature));
}

// RFC 8032, 5.1.7: S has to be below the group's order L, else one signature could be turned into another.
TEST(PublicKey, RefusesASignatureWithTheGroupOrderAdded) {
    std::vector<std::uint8_t> signature = fromHex(kVectors[0].signature).value();
    const auto order = fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").value();
    unsigned carry = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
        carry += static_cast<unsigned>(signature[32 + i]) + order[i];
        signature[32 + i] = static_cast<std::uint8_t>(carry);
        carry >>= 8U;
    }
    EXPECT_FALSE(keyOf(kVectors[0].key).verifies("", signature));
}

TEST(PublicKey, IsNamedByTheHashOfItsBytes) {
    EXPECT_EQ(loadPublicKey(dataPath("keys/golden.pub")).fingerprint(),
              "9d83c8dd4458098dcc6c00a4423e78ae4b0627a69d1615f523c4d62a1e4457b9");  // sha256sum keys/golden.pub
}

TEST(KeyRing, FindsTheSignerAmongSeveralKeys) {
    KeyRing ring;
    for (const Vector& vector : kVectors) ring.add(keyOf(vector.key));
    const auto signature = fromHex(kVectors[2].signature).value();
    const PublicKey* signer = ring.signer(text(fromHex(kVectors[2].message).value()), signature);
    ASSERT_NE(signer, nullptr);
    EXPECT_EQ(*signer, keyOf(kVectors[2].key));
    EXPECT_EQ(ring.signer("other", signature), nullptr);
    EXPECT_EQ(KeyRing{}.signer("", signature), nullptr);
}

TEST(KeyRing, KeepsAKeyOnce) {
    KeyRing ring, others;
    EXPECT_TRUE(ring.empty());
    ring.add(keyOf(kVectors[0].key));
    others.add(keyOf(kVectors[0].key));
    others.add(keyOf(kVectors[1].key));
    ring.add(others);
    ring.add(ring);
    EXPECT_EQ(ring.fingerprints().size(), 2U);
    EXPECT_EQ(ring.fingerprints().front(), keyOf(kVectors[0].key).fingerprint());
}

class KeyFile : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "keysXXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string write(const std::string& content) const {
        std::ofstream{folder_ / "key.pub", std::ios::binary} << content;
        return folder_ / "key.pub";
    }
    std::filesystem::path folder_;
};

TEST_F(KeyFile, OfAnotherSizeIsRefusedByName) {
    for (const std::size_t size : {0, 1, 31, 33, 64, 5000}) {
        const std::string path = write(std::string(size, 'k'));
        expectError(Code::Failed, path, [&] { (void)loadPublicKey(path); });
    }
}

TEST_F(KeyFile, ThatOthersCanChangeIsRefused) {
    const std::string path = write(std::string(32, 'k'));
    for (const auto mode : {0660U, 0606U, 0622U}) {
        std::filesystem::permissions(path, std::filesystem::perms{mode});
        expectError(Code::Failed, "chmod go-w " + path, [&] { (void)loadPublicKey(path); });
    }
    std::filesystem::permissions(path, std::filesystem::perms{0600});
    ASSERT_EQ(::chown(path.c_str(), 1000, 0), 0);
    expectError(Code::Failed, "it belongs to user 1000", [&] { (void)loadPublicKey(path); });
}

TEST_F(KeyFile, ThatIsMissingIsRefusedByName) {
    expectError(Code::Failed, "missing.pub: No such file", [&] { (void)loadPublicKey(folder_ / "missing.pub"); });
}

TEST_F(KeyFile, ThatIsNoFileIsRefusedWithoutWaiting) {
    expectError(Code::Failed, "not a regular file", [&] { (void)loadPublicKey(folder_); });
    ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
    expectError(Code::Failed, "not a regular file", [&] { (void)loadPublicKey(folder_ / "fifo"); });
}

}  // namespace
}  // namespace northstar
