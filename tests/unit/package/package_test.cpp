// SPDX-License-Identifier: Apache-2.0
// openPackage: packages of the reference packer, and packages made to be refused.
#include "package/package.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "support/expect_error.h"
#include "support/package_builder.h"
#include "support/test_data.h"

namespace northstar {
namespace {

using test::buildPackage;
using test::expectError;
using test::keyRing;
using test::MemoryFile;
using test::openData;
using test::PackageSpec;
using test::replaceIn;

const KeyRing& golden() {
    static const KeyRing ring = keyRing({"golden"});
    return ring;
}

Package open(const PackageSpec& spec, const KeyRing& ring = golden(),
             SignaturePolicy policy = SignaturePolicy::Required) {
    return openPackage(buildPackage(spec).release(), ring, policy, "test.npk");
}
void expectRefused(Code code, const std::string& message, const PackageSpec& spec,
                   SignaturePolicy policy = SignaturePolicy::Required) {
    expectError(code, message, [&] { (void)open(spec, golden(), policy); });
}
Package openFile(const std::string& file, SignaturePolicy policy = SignaturePolicy::Required) {
    return openPackage(openData(file), golden(), policy, file);
}

struct Golden {
    const char *file, *container;
    bool application;
};
class GoldenPackage : public testing::TestWithParam<Golden> {};

TEST_P(GoldenPackage, OpensVerified) {
    const Package package = openFile(GetParam().file);
    EXPECT_EQ(package.manifest.container(), GetParam().container);
    EXPECT_EQ(package.manifest.init.has_value(), GetParam().application);
    EXPECT_EQ(package.manifest.uid, 1000);
    EXPECT_EQ(package.manifest.gid, 1000);
    EXPECT_EQ(package.format, "0.9.3");
    EXPECT_EQ(package.filesystem, Filesystem::Squashfs);
    EXPECT_TRUE(package.isSigned);
    ASSERT_TRUE(package.verified());
    EXPECT_EQ(package.signer, golden().fingerprints().front());
    EXPECT_EQ(package.image.offset, 4096U);
    EXPECT_EQ(package.image.size, package.dataSize() + 2 * 4096);  // superblock and one block of hashes
    EXPECT_EQ(package.verity->salt.size(), 32U);
    EXPECT_EQ(package.identity, identify(package.fd.get()));
}
INSTANTIATE_TEST_SUITE_P(Signed, GoldenPackage,
                         testing::Values(Golden{"signed/fonts-2.3.4.npk", "fonts:2.3.4", false},
                                         Golden{"signed/hello-gzip-1.0.0.npk", "hello-gzip:1.0.0", true},
                                         Golden{"signed/hello-lzo-1.0.0.npk", "hello-lzo:1.0.0", true},
                                         Golden{"signed/hello-none-1.0.0.npk", "hello-none:1.0.0", true},
                                         Golden{"signed/hello-selinux-1.0.0.npk", "hello-selinux:1.0.0", true},
                                         Golden{"signed/hello-xz-1.0.0.npk", "hello-xz:1.0.0", true},
                                         Golden{"signed/hello-zstd-1.0.0.npk", "hello-zstd:1.0.0", true},
                                         Golden{"signed/multi-0.1.0.npk", "multi:0.1.0", true},
                                         Golden{"signed/multi-1.0.0.npk", "multi:1.0.0", true},
                                         Golden{"signed/multi-1.2.0.npk", "multi:1.2.0", true}));

TEST(GoldenPackage, TellsItsSelinuxContext) {
    const Package package = openFile("signed/hello-selinux-1.0.0.npk");
    EXPECT_EQ(package.manifest.mountContext, "system_u:object_r:container_file_t:s0");
    EXPECT_EQ(package.manifest.execContext, std::nullopt);
}

TEST(StrangersPackage, IsRefusedWhereAKeyIsRequired) {
    const std::string file = "stranger/hello-stranger-1.0.0.npk";
    expectError(Code::InvalidSignature, file, [&] { (void)openFile(file); });
    expectError(Code::InvalidSignature, golden().fingerprints().front(), [&] { (void)openFile(file); });
}

TEST(StrangersPackage, OpensUnverifiedWhereNoKeyIsRequired) {
    const Package package = openFile("stranger/hello-stranger-1.0.0.npk", SignaturePolicy::Optional);
    EXPECT_TRUE(package.isSigned);
    EXPECT_FALSE(package.verified());
    EXPECT_EQ(package.signer, "");
    EXPECT_EQ(package.dataSize(), package.image.size);
}

TEST(UnsignedPackage, IsRefusedWhereAKeyIsRequired) {
    expectError(Code::InvalidSignature, "not signed", [] { (void)openFile("unsigned/hello-unsigned-1.0.0.npk"); });
}

TEST(UnsignedPackage, OpensUnverifiedWhereNoKeyIsRequired) {
    const Package package = openFile("unsigned/hello-unsigned-1.0.0.npk", SignaturePolicy::Optional);
    EXPECT_FALSE(package.isSigned);
    EXPECT_FALSE(package.verified());
    EXPECT_EQ(package.manifest.container(), "hello-unsigned:1.0.0");
}

TEST(TamperedPackage, IsRefusedByItsSignature) {
    for (const char* name : {"comment", "manifest", "signature", "verity-hash"}) {
        const std::string file = std::string{"tampered/"} + name + "-changed.npk";
        expectError(Code::InvalidSignature, file, [&] { (void)openFile(file); });
    }
}

TEST(TamperedPackage, ThatWasCutOffIsRefused) {
    expectError(Code::InvalidPackage, "cut off", [] { (void)openFile("tampered/truncated.npk"); });
}

TEST(TamperedPackage, WithChangedDataOpensBecauseOnlyReadingShowsIt) {
    EXPECT_TRUE(openFile("tampered/fsimg-data-changed.npk").verified());
}

TEST(BuiltPackage, OpensVerified) {
    const Package package = open({});
    EXPECT_TRUE(package.verified());
    EXPECT_EQ(package.manifest.container(), "hello:1.0.0");
    EXPECT_EQ(package.dataSize(), 3U * 4096);
}

TEST(Package, VerifiesWithAnyOfSeveralKeys) {
    PackageSpec spec;
    spec.key = "stranger";
    const KeyRing both = keyRing({"golden", "stranger"});
    EXPECT_EQ(open(spec, both).signer, both.fingerprints().back());
}

TEST(Package, IsRefusedWithAdviceIfNoKeyIsConfigured) {
    expectError(Code::InvalidSignature, "configure the signer's public key", [] { (void)open({}, KeyRing{}); });
}

TEST(Package, OpensUnverifiedWithoutKeysWhereNoneIsRequired) {
    const Package package = open({}, KeyRing{}, SignaturePolicy::Optional);
    EXPECT_TRUE(package.isSigned);
    EXPECT_FALSE(package.verified());
}

TEST(Package, OfTheSameKeyIsVerifiedEvenWhereNoneIsRequired) {
    EXPECT_TRUE(open({}, golden(), SignaturePolicy::Optional).verified());
}

TEST(Package, ThatWasChangedAfterSigningIsRefusedWhateverIsRequired) {
    PackageSpec manifest, comment;
    manifest.changeZip = [](test::ZipSpec& zip) { replaceIn(zip.entries[0].content, "hello", "other"); };
    comment.changeZip = [](test::ZipSpec& zip) { zip.comment = "version: 0.9.4\n"; };
    for (const auto policy : {SignaturePolicy::Required, SignaturePolicy::Optional}) {
        expectRefused(Code::InvalidSignature, "manifest.yaml does not match what was signed", manifest, policy);
        expectRefused(Code::InvalidSignature, "the archive comment does not match what was signed", comment, policy);
    }
}

TEST(Package, WithAMalformedSignatureIsRefusedOrUnverified) {
    PackageSpec spec;
    spec.changeSignatureFile = [](std::string& yaml) { yaml += "x"; };
    expectRefused(Code::InvalidSignature, "has not the form of a signature", spec);
    EXPECT_FALSE(open(spec, golden(), SignaturePolicy::Optional).verified());
}

// The YAML behind the separator is never parsed, and that before it only once somebody vouched for it.
TEST(Package, HasItsSignedTextParsedOnlyAfterItsSignatureWasGood) {
    PackageSpec spec;
    spec.changeSignedText = [](std::string& yaml) { yaml = "{{{ no YAML\n"; };
    expectRefused(Code::InvalidSignature, "Invalid signature.yaml", spec);
    spec.key = "stranger";
    expectRefused(Code::InvalidSignature, "none of the configured keys", spec);
    EXPECT_FALSE(open(spec, golden(), SignaturePolicy::Optional).verified());
}

TEST(Package, WithABadManifestIsRefusedByItsSignatureFirst) {
    PackageSpec spec;
    spec.manifest = "{{{ no YAML\n";
    spec.key = "stranger";
    expectRefused(Code::InvalidSignature, "none of the configured keys", spec);
    spec.key = "golden";
    expectRefused(Code::InvalidPackage, "Invalid manifest.yaml", spec);
}

TEST(Package, NamedLikeADirectoryIsRefused) {
    PackageSpec spec;
    replaceIn(spec.manifest, "hello", "..");
    expectRefused(Code::InvalidPackage, "'name'", spec);
}

TEST(Package, WithAHashThatIsSignedButWrongIsRefused) {
    PackageSpec spec;
    spec.changeSignedText = [](std::string& yaml) {
        yaml.replace(yaml.find("hash: ") + 6, 64, std::string(64, '0'));  // the comment's
    };
    expectRefused(Code::InvalidSignature, "the archive comment does not match", spec);
}

TEST(Package, WithASignedOffsetThatIsNotTheSuperblocksIsRefused) {
    using Case = std::tuple<const char*, Code, const char*>;
    for (const auto& [offset, code, message] : {Case{"8192", Code::Corrupted, "no signature \"verity\""},
                                                {"20480", Code::InvalidPackage, "beyond the end"},
                                                {"18446744073709547520", Code::InvalidPackage, "beyond the end"}}) {
        PackageSpec spec;
        spec.changeSignedText = [&, to = offset](std::string& yaml) { replaceIn(yaml, "12288", to); };
        expectRefused(code, message, spec);
    }
}

TEST(Package, WithAChangedSuperblockIsRefused) {
    PackageSpec spec;
    spec.changeImage = [](std::string& image) { image[3 * 4096 + 72] = 4; };
    expectRefused(Code::Corrupted, "number of data blocks is 4, expected 3", spec);
}

// What is signed is told by the signature, also where the archive's own CRC is wrong after a bit flip.
TEST(Package, DamagedInWhatIsSignedHasNoGoodSignature) {
    for (const std::size_t entry : {0U, 1U}) {
        PackageSpec spec;
        spec.changeZip = [&](test::ZipSpec& zip) {
            const std::uint32_t crc = test::crcOf(zip.entries[entry].content);
            zip.entries[entry].content[9] ^= 1;
            zip.entries[entry].local.crc = zip.entries[entry].central.crc = crc;
        };
        expectRefused(Code::InvalidSignature, "sign", spec);
    }
}

TEST(Package, UnsignedAndDamagedIsInvalid) {
    PackageSpec spec;
    spec.key.reset();
    spec.changeZip = [](test::ZipSpec& zip) { zip.entries[0].local.crc = zip.entries[0].central.crc = 1; };
    expectRefused(Code::InvalidPackage, "CRC of 'manifest.yaml' is wrong", spec, SignaturePolicy::Optional);
}

TEST(Package, WithADamagedFilesystemSuperblockIsCorrupted) {
    PackageSpec spec;
    spec.changeImage = [](std::string& image) { image[0] = 'x'; };
    expectRefused(Code::Corrupted, "Data block 0", spec);
}

// 200 blocks of data, the superblock, then the hash tree: its top block 201, and 202 and 203 below it.
TEST(Package, WithADamagedFilesystemSuperblockIsCheckedAlongOnePathOfItsTree) {
    const auto damaged = [](std::initializer_list<std::size_t> blocks) {
        PackageSpec spec;
        spec.data = test::squashfsLike(200);
        spec.changeImage = [blocks = std::vector<std::size_t>{blocks}](std::string& image) {
            for (const std::size_t block : blocks) image[block * 4096] ^= 1;
        };
        return spec;
    };
    expectRefused(Code::Corrupted, "Data block 0 ", damaged({0, 203}));  // 203 has the hashes of others
    expectRefused(Code::Corrupted, "Block 202 ", damaged({0, 202}));
    expectRefused(Code::Corrupted, "Block 201 ", damaged({0, 201, 202}));
}

TEST(Package, SignedWithAnUnknownFilesystemIsInvalid) {
    PackageSpec spec;
    spec.data = std::string(8192, 'x');
    expectRefused(Code::InvalidPackage, "neither squashfs nor erofs", spec);
}

TEST(Package, WithoutRoomForItsTreeIsRefused) {
    PackageSpec spec;
    spec.changeImage = [](std::string& image) { image.resize(image.size() - 1); };
    expectRefused(Code::InvalidPackage, "tree does not fit", spec);
}

TEST(Package, OfABadDescriptorIsRefusedByName) {
    expectError(Code::InvalidArgs, "test.npk",
                [] { (void)openPackage(UniqueFd{}, golden(), SignaturePolicy::Required, "test.npk"); });
}

TEST(Package, IsNamedInOnePrintableLine) {
    expectError(Code::InvalidPackage, "a?b",
                [] { (void)openPackage(MemoryFile{"x"}.release(), golden(), SignaturePolicy::Required, "a\nb"); });
}

TEST(Package, LargerThanFourGibibytesOpens) {
    PackageSpec spec;
    spec.key.reset();
    spec.changeZip = [](test::ZipSpec& zip) {
        zip.zip64 = zip.entries.back().zip64 = true;
        zip.entries.back().hole = std::uint64_t{6} << 30U;
    };
    const Package package = open(spec, golden(), SignaturePolicy::Optional);
    EXPECT_EQ(package.dataSize(), (std::uint64_t{6} << 30U) + 3 * 4096);
}

}  // namespace
}  // namespace northstar
