// SPDX-License-Identifier: Apache-2.0
// What is told of packages that need not verify.
#include "package/inspection.h"

#include <gtest/gtest.h>

#include <string>

#include "support/expect_error.h"
#include "support/memory_file.h"
#include "support/package_builder.h"
#include "support/test_data.h"

namespace northstar {
namespace {

using test::buildPackage;
using test::keyRing;
using test::PackageSpec;

Inspection inspect(const PackageSpec& spec, const KeyRing& keys = keyRing({"golden"})) {
    return inspectPackage(buildPackage(spec).fd(), keys);
}

// That there is one problem, and that it has this in it.
void expectProblem(const Inspection& found, const std::string& part) {
    ASSERT_EQ(found.problems.size(), 1U);
    EXPECT_NE(found.problems[0].find(part), std::string::npos) << found.problems[0];
}

TEST(Inspection, TellsAllOfAGoodPackage) {
    const Inspection found = inspect({});
    EXPECT_TRUE(found.problems.empty());
    EXPECT_EQ(found.signer, keyRing({"golden"}).fingerprints().at(0));
    EXPECT_EQ(found.manifest->container(), "hello:1.0.0");
    EXPECT_EQ(found.verity->dataBlocks, 3U);
    EXPECT_EQ(found.filesystem->type, Filesystem::Squashfs);
    EXPECT_EQ(found.filesystem->bytesUsed, 3U * 4096);
}

TEST(Inspection, HasNoSignerWithoutKeysAndNoProblemEither) {
    const Inspection found = inspect({}, {});
    EXPECT_TRUE(found.signer.empty() && found.isSigned && found.claimed && found.problems.empty());
}

TEST(Inspection, SaysWhatIsWrong) {
    expectProblem(inspect({}, keyRing({"stranger"})), "None of the given keys");
    expectProblem(inspect({.key = std::nullopt}), "not signed");
    expectProblem(inspect({.changeSignatureFile = [](std::string& text) { text = "nonsense"; }}),
                  "form of a signature");
    expectProblem(inspect({.changeSignedText = [](std::string& text) { test::replaceIn(text, "hash: ", "hash: 00"); }}),
                  "64 hexadecimal");
    expectProblem(inspect({.changeImage = [](std::string& image) { image[3 * 4096] = 'x'; }}), "superblock");
    expectProblem(inspect({.manifest = "name: hello\n"}), "version");
    expectProblem(inspect({.data = std::string(8192, 'x')}), "neither squashfs nor erofs");
    expectProblem(inspect({.changeZip = [](test::ZipSpec& zip) { zip.comment = "version: 0.9.2\n"; }}), "comment");
}

TEST(Inspection, GoesOnBehindAProblem) {
    const Inspection found =
        inspect({.manifest = "name: hello\n", .changeImage = [](std::string& image) { image[3 * 4096] = 'x'; }},
                keyRing({"stranger"}));
    EXPECT_EQ(found.problems.size(), 3U);
    EXPECT_TRUE(found.filesystem && found.claimed && !found.manifest && !found.verity);
}

TEST(Inspection, NeedsAnArchive) {
    const test::MemoryFile file{"no archive"};
    test::expectError(Code::InvalidPackage, "ZIP", [&] { static_cast<void>(inspectPackage(file.fd(), {})); });
}

TEST(FilesystemInfo, KnowsTheCompressions) {
    for (const std::string name : {"gzip", "lzo", "none", "xz", "zstd"}) {
        const UniqueFd fd = test::openData("signed/hello-" + name + "-1.0.0.npk");
        const Inspection found = inspectPackage(fd.get(), {});
        EXPECT_EQ(found.filesystem->compression, name);
        EXPECT_EQ(found.filesystem->blockSize, 131072U);
        EXPECT_EQ(found.filesystem->inodes, 10U);
    }
}

}  // namespace
}  // namespace northstar
