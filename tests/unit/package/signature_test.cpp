// SPDX-License-Identifier: Apache-2.0
// signature.yaml: where it is cut, and what its signed part has to say.
#include "package/signature.h"

#include <gtest/gtest.h>

#include <string>

#include "base/hex.h"
#include "support/expect_error.h"
#include "support/package_builder.h"

namespace northstar {
namespace {

using test::expectError;
using test::replaceIn;

const std::string kBase64 = std::string(84, 'A') + "AA==";
const std::string kSigned = "meta:\n  hash: " + std::string(64, '1') +
                            "\nmanifest.yaml:\n  hash: " + std::string(64, '2') +
                            "\nfs.img:\n  verity-hash: " + std::string(64, 'a') + "\n  verity-offset: 8192\n";

TEST(SignatureFile, IsCutBehindTheNewlineBeforeTheSeparator) {
    const std::string text = kSigned + "---\nsignature: " + kBase64;
    const auto file = splitSignatureFile(text);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->signedBytes, kSigned);
    EXPECT_EQ(toHex(file->signature), std::string(128, '0'));
}

TEST(SignatureFile, IsDecodedToTheBytesThatWereEncoded) {
    const auto file = splitSignatureFile(
        "a: b\n---\nsignature: "
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4"
        "OTo7PD0+Pw==\n");
    ASSERT_TRUE(file);
    for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(file->signature[i], i);
}

TEST(SignatureFile, MayHaveBlanksAndQuotesAroundTheSignature) {
    for (const std::string& rest :
         {kBase64 + "\n", "'" + kBase64 + "'", "\"" + kBase64 + "\"\n", "   " + kBase64 + "  \n\n"}) {
        EXPECT_TRUE(splitSignatureFile("a: b\n---\nsignature: " + rest)) << rest;
    }
}

class MalformedSignatureFile : public testing::TestWithParam<std::string> {};
TEST_P(MalformedSignatureFile, IsRefused) { EXPECT_FALSE(splitSignatureFile(GetParam())) << GetParam(); }
INSTANTIATE_TEST_SUITE_P(
    Texts, MalformedSignatureFile,
    testing::Values("", "---", "\n---", "\n---\n", kSigned, kSigned + "---\n",
                    "---\nsignature: " + kBase64,  // nothing is signed
                    kSigned + "--- \nsignature: " + kBase64, kSigned + "----\nsignature: " + kBase64,
                    kSigned + "---\nsignature:", kSigned + "---\nsig: " + kBase64,
                    kSigned + "---\nsignature: x" + kBase64, kSigned + "---\nsignature: " + kBase64 + "x",
                    kSigned + "---\nsignature: " + kBase64 + "\nmore: 1", kSigned + "---\nsignature: '" + kBase64,
                    kSigned + "---\nsignature: '" + kBase64 + "\"", kSigned + "---\nsignature: " + std::string(88, 'A'),
                    kSigned + "---\nsignature: " + std::string(84, 'A') + "AB==",
                    kSigned + "---\nsignature: " + std::string(84, 'A') + "A===",
                    kSigned + "---\nsignature: " + std::string(80, 'A') + "   AAA==",
                    kSigned + "---\nsignature: " + std::string(83, 'A') + "-AA==",
                    kSigned + "---\nsignature: " + std::string(83, 'A') + std::string(1, '\0') + "AA==",
                    kSigned + "---\nx: 1\n---\nsignature: " + kBase64));

TEST(SignedHashes, AreRead) {
    const SignedHashes hashes = parseSignedHashes(kSigned);
    EXPECT_EQ(toHex(hashes.comment), std::string(64, '1'));
    EXPECT_EQ(toHex(hashes.manifest), std::string(64, '2'));
    EXPECT_EQ(toHex(hashes.rootHash), std::string(64, 'a'));
    EXPECT_EQ(hashes.verityOffset, 8192U);
}

struct Change {
    const char *name, *from, *to, *message;
};
class WrongSignedHashes : public testing::TestWithParam<Change> {};

TEST_P(WrongSignedHashes, AreRefused) {
    std::string text = kSigned;
    replaceIn(text, GetParam().from, GetParam().to);
    expectError(Code::InvalidSignature, GetParam().message, [&] { (void)parseSignedHashes(text); });
}
INSTANTIATE_TEST_SUITE_P(
    Changes, WrongSignedHashes,
    testing::Values(
        Change{"NoMeta", "meta:\n  hash: 1111111111111111111111111111111111111111111111111111111111111111\n", "",
               "'meta' is missing"},
        Change{"UnknownPart", "meta:", "other: {}\nmeta:", "'other' is not known"},
        Change{"UnknownKey", "  verity-offset", "  size: 1\n  verity-offset", "'size' is not known"},
        Change{"PartTwice", "fs.img:", "meta:\n  hash: 11\nfs.img:", "'meta' is there twice"},
        Change{"HashTwice", "  verity-hash", "  verity-offset: 4096\n  verity-hash", "'verity-offset' is there twice"},
        Change{"ShortHash", "1111", "11", "64 hexadecimal digits"},
        Change{"LongHash", "1111", "111111", "64 hexadecimal digits"},
        Change{"NoHexadecimal", "aaaa", "aaag", "64 hexadecimal digits"},
        Change{"SignedDigits", "aaaa", "-aaa", "64 hexadecimal digits"},
        Change{"EmptyHash", "verity-hash: ", "verity-hash: '' #", "64 hexadecimal digits"},
        Change{"NullHash", "verity-hash: ", "verity-hash: ~ #", "'verity-hash' is missing"},
        Change{"OffsetZero", "8192", "0", "positive multiple"},
        Change{"OffsetUnaligned", "8192", "8193", "positive multiple"},
        Change{"OffsetNegative", "8192", "-4096", "decimal number"},
        Change{"OffsetTooLarge", "8192", "18446744073709551616", "decimal number"},
        Change{"OffsetQuoted", "8192", "'8192'", "decimal number"},
        Change{"PartIsAString", "meta:\n  hash: ", "meta: ", "not a map"}),
    [](const auto& tested) { return tested.param.name; });

TEST(SignedHashes, MayHaveTheLargestOffset) {
    std::string text = kSigned;
    replaceIn(text, "8192", "18446744073709547520");
    EXPECT_EQ(parseSignedHashes(text).verityOffset, UINT64_MAX - 4095);
}

}  // namespace
}  // namespace northstar
