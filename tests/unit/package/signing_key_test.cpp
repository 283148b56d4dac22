// SPDX-License-Identifier: Apache-2.0
// Secret keys, raw and PEM.
#include "package/signing_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/hex.h"
#include "package/key_file.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "support/test_data.h"

namespace northstar {
namespace {

using test::expectError;

std::string unasked() { throw std::logic_error{"asked for a passphrase"}; }

// RFC 8032, 7.1, test 2.
TEST(SigningKey, SignsAsTheStandardSays) {
    const auto seed = fromHex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").value();
    const SigningKey key = SigningKey::parse({seed.begin(), seed.end()}, unasked);
    EXPECT_EQ(toHex(key.publicKey().bytes()), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    EXPECT_EQ(toHex(key.sign("\x72")),
              "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eae"
              "b4302aee"
              "b00d291612bb0c00");
}

TEST(SigningKey, ComesBackFromEachForm) {
    const SigningKey key = SigningKey::generate();
    const Signature signature = key.sign("message");
    EXPECT_EQ(SigningKey::parse(key.seed(), unasked).sign("message"), signature);
    EXPECT_EQ(SigningKey::parse(key.pem(std::nullopt), unasked).sign("message"), signature);
    const std::string encrypted = key.pem("secret");
    EXPECT_NE(encrypted.find("BEGIN ENCRYPTED PRIVATE KEY"), std::string::npos);
    EXPECT_EQ(SigningKey::parse(encrypted, [] { return "secret"; }).sign("message"), signature);
    EXPECT_EQ(parsePublicKey(publicPem(key.publicKey())), key.publicKey());
    const auto raw = key.publicKey().bytes();
    EXPECT_EQ(parsePublicKey({raw.begin(), raw.end()}), key.publicKey());
    EXPECT_TRUE(key.publicKey().verifies("message", signature));
    EXPECT_NE(SigningKey::generate().seed(), key.seed());
}

TEST(SigningKey, AsksForThePassphraseOnce) {
    const std::string pem = SigningKey::generate().pem("right");
    for (const std::string passphrase : {"right", "wrong"}) {
        int asked = 0;
        try {
            static_cast<void>(SigningKey::parse(pem, [&] {
                ++asked;
                return passphrase;
            }));
        } catch (const Error&) {
            EXPECT_EQ(passphrase, "wrong");
        }
        EXPECT_EQ(asked, 1);
    }
    int asked = 0;
    expectError(Code::Busy, "nobody", [&] {
        static_cast<void>(SigningKey::parse(pem, [&]() -> std::string {
            ++asked;
            throw Error{Code::Busy, "nobody"};
        }));
    });
    EXPECT_EQ(asked, 1);
}

TEST(SigningKey, RefusesWhatIsNone) {
    const SigningKey key = SigningKey::generate();
    const auto refuse = [](const std::string& text, const std::string& why) {
        expectError(Code::Failed, why, [&] { static_cast<void>(SigningKey::parse(text, [] { return "wrong"; })); });
    };
    refuse("", "neither a raw");
    refuse(std::string(33, 'x'), "neither a raw");
    refuse("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key");
    refuse(publicPem(key.publicKey()), "no private key");
    refuse(key.pem("right"), "passphrase is wrong");
    expectError(Code::Busy, "nobody there", [&] {
        static_cast<void>(
            SigningKey::parse(key.pem("right"), []() -> std::string { throw Error{Code::Busy, "nobody there"}; }));
    });
    expectError(Code::Failed, "no public key", [&] { static_cast<void>(parsePublicKey(key.pem(std::nullopt))); });
    expectError(Code::Failed, "anybody could sign", [] { static_cast<void>(parsePublicKey(std::string(32, '\0'))); });
}

TEST(SmallFile, IsWrittenOnceAndReadWhole) {
    const test::TemporaryDirectory folder;
    writeNewFile(folder / "k", "content", 0600);
    EXPECT_EQ(readSmallFile(folder / "k", "Cannot read"), "content");
    struct stat status{};
    ASSERT_EQ(::stat((folder / "k").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    expectError(Code::Failed, "there already", [&] { writeNewFile(folder / "k", "other", 0600); });
    EXPECT_EQ(readSmallFile(folder / "k", "Cannot read"), "content");
    std::filesystem::create_symlink(folder / "elsewhere", folder / "link");
    expectError(Code::Failed, "there already", [&] { writeNewFile(folder / "link", "other", 0600); });
    EXPECT_FALSE(std::filesystem::exists(folder / "elsewhere"));
    folder.write("large", std::string(65537, 'x'));
    expectError(Code::Failed, "64 KiB", [&] { static_cast<void>(readSmallFile(folder / "large", "Cannot read")); });
    expectError(Code::Failed, "Is a directory",
                [&] { static_cast<void>(readSmallFile(folder.path(), "Cannot read")); });
    expectError(Code::Failed, "nowhere", [&] { static_cast<void>(loadAnyPublicKey(folder / "nowhere")); });
}

}  // namespace
}  // namespace northstar
