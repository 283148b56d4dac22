// SPDX-License-Identifier: Apache-2.0
// Packages as they are written: the service's reader takes them, and signing one again changes no byte.
#include "package/package_writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "package/image/hash_tree.h"
#include "package/inspection.h"
#include "package/package.h"
#include "package/signing_key.h"
#include "support/expect_error.h"
#include "support/memory_file.h"
#include "support/package_builder.h"
#include "support/test_data.h"

namespace northstar {
namespace {

using test::expectError;
using test::MemoryFile;

const std::string kManifest = "name: hello\nversion: 1.0.0\nuid: 1000\ngid: 1000\n";

Signature signGolden(const std::string& text) {
    return SigningKey::parse(test::readData("keys/golden.key"), {}).sign(text);
}

PackageSource sourceFor(const MemoryFile& image) {
    PackageSource source;
    source.fd = image.fd();
    source.image = {0, image.size()};
    source.manifest = kManifest;
    source.salt = saltFor(image.fd(), source.image, kManifest);
    return source;
}

std::string written(const PackageSource& source, const Signer& signer, const WriteOptions& options = {}) {
    const MemoryFile out;
    writePackage(out.fd(), source, signer, options);
    return test::contentOf(out.fd(), 0, identify(out.fd()).size);
}

std::string again(const std::string& package, const Signer& signer) {
    const MemoryFile file{package};
    return written(sourceOf(file.fd(), "test"), signer);
}

TEST(PackageWriter, WritesWhatTheServiceVerifies) {
    for (const std::size_t blocks : {1U, 2U, 128U, 129U, 700U}) {
        std::string data = test::squashfsLike(blocks);
        MemoryFile image{data};
        const MemoryFile file{written(sourceFor(image), signGolden)};
        const Package package =
            openPackage(file.duplicate(), test::keyRing({"golden"}), SignaturePolicy::Required, "test");
        EXPECT_EQ(package.manifest.container(), "hello:1.0.0");
        EXPECT_EQ(package.dataSize(), blocks * 4096);
        std::atomic<std::uint64_t> seen = 0;
        HashTree::load(file.fd(), package.image, *package.verity)
            .verifyData(file.fd(), package.image, 0, {}, [&](std::uint64_t, Bytes piece) { seen += piece.size(); });
        EXPECT_EQ(seen, blocks * 4096);
    }
}

TEST(PackageWriter, WritesUnsignedPackagesWithoutATree) {
    const MemoryFile image{test::squashfsLike(3)};
    const MemoryFile file{written(sourceFor(image), {})};
    const Package package = openPackage(file.duplicate(), {}, SignaturePolicy::Optional, "test");
    EXPECT_FALSE(package.isSigned);
    EXPECT_EQ(package.image.size, 3U * 4096);
}

TEST(PackageWriter, FillsTheImageUpToABlock) {
    const std::string data = test::squashfsLike(3);
    MemoryFile image{data + "tail"};
    for (const Signer& signer : {Signer{}, Signer{signGolden}}) {
        const MemoryFile file{written(sourceFor(image), signer)};
        const Inspection found = inspectPackage(file.fd(), {});
        EXPECT_EQ(test::contentOf(file.fd(), found.image.offset, 4 * 4096), data + "tail" + std::string(4092, '\0'));
    }
}

TEST(PackageWriter, SignsAPackageAgainWithoutChangingAByte) {
    const MemoryFile image{test::squashfsLike(3)};
    const std::string package = written(sourceFor(image), signGolden);
    EXPECT_TRUE(again(package, signGolden) == package);
    EXPECT_TRUE(again(written(sourceFor(image), {}), signGolden) == package);
    EXPECT_TRUE(again(test::readData("signed/fonts-2.3.4.npk"), signGolden) ==
                test::readData("signed/fonts-2.3.4.npk"));
}

TEST(PackageWriter, TellsTheBytesThatItHasSigned) {
    const MemoryFile image{test::squashfsLike(3)};
    const PackageSource source = sourceFor(image);
    std::string given;
    static_cast<void>(written(source, [&](const std::string& text) {
        given = text;
        return signGolden(text);
    }));
    EXPECT_EQ(textToSign(source, {}), given);
    EXPECT_TRUE(given.starts_with("meta:\n  hash: ") && given.ends_with("verity-offset: 12288\n")) << given;
}

TEST(PackageWriter, DoesNotSignWhatIsDamaged) {
    const std::string good = test::readData("signed/fonts-2.3.4.npk");
    const MemoryFile original{good};
    const Extent image = inspectPackage(original.fd(), {}).image;
    const auto changed = [&](std::uint64_t at) {
        std::string package = good;
        package[image.offset + at] = static_cast<char>(package[image.offset + at] ^ 1);
        return package;
    };
    expectError(Code::Corrupted, "root hash", [&] { static_cast<void>(again(changed(5000), signGolden)); });
    expectError(Code::Corrupted, "superblock", [&] { static_cast<void>(again(changed(28672), signGolden)); });
    expectError(Code::InvalidPackage, "cut off", [&] { static_cast<void>(again(good.substr(0, 9000), signGolden)); });
}

TEST(PackageWriter, StopsWhenAskedAndPassesOnWhatTheSignerThrows) {
    const MemoryFile image{test::squashfsLike(3)};
    std::stop_source stop;
    stop.request_stop();
    for (const Signer& signer : {Signer{}, Signer{signGolden}}) {
        expectError(Code::Failed, "Interrupted",
                    [&] { static_cast<void>(written(sourceFor(image), signer, {.stop = stop.get_token()})); });
    }
    expectError(Code::Busy, "no token", [&] {
        static_cast<void>(
            written(sourceFor(image), [](const std::string&) -> Signature { throw Error{Code::Busy, "no token"}; }));
    });
}

TEST(PackageWriter, SaltsByContent) {
    const MemoryFile image{test::squashfsLike(3)}, other{test::squashfsLike(4)}, tiny{"x"};
    const auto salt = [](const MemoryFile& file, const std::string& manifest) {
        return saltFor(file.fd(), {0, file.size()}, manifest);
    };
    EXPECT_EQ(salt(image, "a").size(), 32U);
    EXPECT_EQ(salt(image, "a"), salt(image, "a"));
    EXPECT_NE(salt(image, "a"), salt(image, "b"));
    EXPECT_NE(salt(image, "a"), salt(other, "a"));
    EXPECT_NE(salt(tiny, "a"), salt(image, "a"));
}

}  // namespace
}  // namespace northstar
