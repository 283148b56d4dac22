// SPDX-License-Identifier: Apache-2.0
// Public keys for which anybody can sign: packages are forged for them here, without any secret.
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <string>

#include "base/hex.h"
#include "package/keys.h"
#include "package/package.h"
#include "support/expect_error.h"
#include "support/package_builder.h"
#include "support/temporary_directory.h"
#include "support/test_data.h"

namespace northstar::test {
namespace {

std::string bytesOf(const std::string& hex) {
    const auto bytes = fromHex(hex).value();
    return {bytes.begin(), bytes.end()};
}

// What OpenSSL alone says.
bool opensslTakes(const std::string& key, const std::string& message, const std::string& signature) {
    const auto* raw = reinterpret_cast<const unsigned char*>(key.data());
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> point{
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw, key.size()), EVP_PKEY_free};
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, point.get()) == 1 &&
           EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                            reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
}

// S = 0 and R the neutral point: S*B = R + k*A holds where k*A is neutral, for at least one message in eight.
const std::string kNoSecret = std::string{"\1"} + std::string(63, '\0');

// A package that `key` "signed"; another salt is another message.
MemoryFile forge(const std::string& key) {
    for (char salt = 1; salt < 127; ++salt) {
        PackageSpec spec;
        spec.salt = std::string(16, salt);
        bool taken = false;
        spec.changeSignatureFile = [&](std::string& text) {
            const std::size_t at = text.find("---");
            taken = opensslTakes(key, text.substr(0, at), kNoSecret);
            std::string base64(89, '\0');
            EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()),
                            reinterpret_cast<const unsigned char*>(kNoSecret.data()), 64);
            text = text.substr(0, at) + "---\nsignature: " + base64.substr(0, 88);
        };
        MemoryFile package = buildPackage(spec);
        if (taken) return package;
    }
    throw std::runtime_error{"no salt will do"};
}

class WeakKey : public testing::TestWithParam<const char*> {};

// Each of the encodings that OpenSSL takes for one of the eight points.
INSTANTIATE_TEST_SUITE_P(OfSmallOrder, WeakKey,
                         testing::Values("0000000000000000000000000000000000000000000000000000000000000000",
                                         "0000000000000000000000000000000000000000000000000000000000000080",
                                         "0100000000000000000000000000000000000000000000000000000000000000",
                                         "0100000000000000000000000000000000000000000000000000000000000080",
                                         "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                         "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                                         "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                         "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                                         "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                         "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                                         "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                                         "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
                                         "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                                         "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"));

TEST_P(WeakKey, IsRefusedSoThatWhatIsForgedForItOpensForNobody) {
    const std::string key = bytesOf(GetParam());
    const MemoryFile forged = forge(key);
    const TemporaryDirectory directory;
    const std::string file = directory.write("weak.pub", key);
    KeyRing ring = keyRing({"golden"});
    expectError(Code::Failed, file + ": it is no key, as anybody could sign", [&] { ring.add(loadPublicKey(file)); });
    expectError(Code::InvalidSignature, "none of the configured keys",
                [&] { (void)openPackage(forged.duplicate(), ring, SignaturePolicy::Required, "forged"); });
}

TEST(PublicKey, InAnotherThanItsOneEncodingIsRefused) {
    const TemporaryDirectory directory;
    for (int low = 0xed; low <= 0xff; ++low) {
        for (const char last : {'\x7f', '\xff'}) {
            const std::string key = static_cast<char>(low) + std::string(30, '\xff') + last;
            expectError(Code::Failed, "no key", [&] { (void)loadPublicKey(directory.write("k.pub", key)); });
        }
    }
}

TEST(PublicKey, BesideThoseIsTaken) {
    const TemporaryDirectory directory;
    EXPECT_NO_THROW((void)loadPublicKey(dataPath("keys/golden.pub")));
    EXPECT_NO_THROW((void)loadPublicKey(dataPath("keys/stranger.pub")));
    for (const std::string& key :
         {"\2" + std::string(31, '\0'), std::string(32, '\x7f'), "\xeb" + std::string(30, '\xff') + "\x7f"}) {
        EXPECT_NO_THROW((void)loadPublicKey(directory.write("k.pub", key)));
    }
}

}  // namespace
}  // namespace northstar::test
