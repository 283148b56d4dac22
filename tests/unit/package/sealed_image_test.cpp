// SPDX-License-Identifier: Apache-2.0
// Sealed images: the bytes that were checked, and nobody changes them any more.
#include "package/image/sealed_image.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "package/image/sealed_image.h"
#include "package/package.h"
#include "support/expect_error.h"
#include "support/package_builder.h"
#include "support/test_data.h"

namespace northstar {
namespace {

using test::buildPackage;
using test::contentOf;
using test::expectError;
using test::MemoryFile;
using test::PackageSpec;

Package open(UniqueFd fd, SignaturePolicy policy = SignaturePolicy::Required) {
    return openPackage(std::move(fd), test::keyRing({"golden"}), policy, "test.npk");
}

ino_t inodeOf(int fd) {
    struct stat status{};
    EXPECT_EQ(::fstat(fd, &status), 0);
    return status.st_ino;
}

SealedImage seal(const Package& package) { return sealImage(package.fd.get(), package.image, package.verity, 2, {}); }

PackageSpec threeChunks() {
    PackageSpec spec;
    spec.data = test::squashfsLike(600);
    return spec;
}

TEST(SealedImage, OfAFileIsACopyOfItsData) {
    const Package package = open(test::openData("signed/hello-zstd-1.0.0.npk"));
    const SealedImage sealed = seal(package);
    EXPECT_NE(inodeOf(sealed.fd.get()), inodeOf(package.fd.get()));
    EXPECT_EQ(sealed.image, (Extent{0, package.dataSize()}));
    EXPECT_EQ(contentOf(sealed.fd.get(), 0, UINT16_MAX),
              contentOf(package.fd.get(), package.image.offset, package.dataSize()));
}

TEST(SealedImage, OfSeveralChunksIsWhole) {
    const PackageSpec spec = threeChunks();
    const SealedImage sealed = seal(open(buildPackage(spec).release()));
    EXPECT_TRUE(contentOf(sealed.fd.get(), 0, spec.data.size() + 1) == spec.data);
}

TEST(SealedImage, CannotBeChangedByAnyMeans) {
    const SealedImage sealed = seal(open(buildPackage({}).release()));
    const int fd = sealed.fd.get();
    EXPECT_TRUE(isSealed(fd));
    EXPECT_EQ(::pwrite(fd, "x", 1, 0), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::ftruncate(fd, 0), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::ftruncate(fd, 1 << 20), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}

TEST(SealedImage, OfASealedMemfdLiesInPlace) {
    const MemoryFile file = buildPackage({});
    file.seal();
    const Package package = open(file.duplicate());
    const SealedImage sealed = seal(package);
    EXPECT_EQ(inodeOf(sealed.fd.get()), inodeOf(file.fd()));
    EXPECT_NE(sealed.fd.get(), package.fd.get());
    EXPECT_EQ(sealed.image, (Extent{package.image.offset, package.dataSize()}));
    EXPECT_NE(::fcntl(sealed.fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(SealedImage, OfAMemfdThatIsNotSealedIsACopy) {
    const MemoryFile file = buildPackage({});
    EXPECT_NE(inodeOf(seal(open(file.duplicate())).fd.get()), inodeOf(file.fd()));
}

TEST(SealedImage, DoesNotFollowALaterWriterOfItsSource) {
    const PackageSpec spec = threeChunks();
    const MemoryFile file = buildPackage(spec);
    const Package package = open(file.duplicate());
    const SealedImage sealed = seal(package);
    file.overwrite(package.image.offset, std::string(4096, 'x'));
    EXPECT_TRUE(contentOf(sealed.fd.get(), 0, spec.data.size()) == spec.data);
    expectError(Code::Corrupted, "Data block 0 ", [&] { (void)seal(package); });
}

TEST(SealedImage, OfTamperedDataIsCorrupted) {
    const Package package = open(test::openData("tampered/fsimg-data-changed.npk"));
    expectError(Code::Corrupted, "Data block 2 ", [&] { (void)seal(package); });
}

TEST(SealedImage, OfTamperedDataInASealedMemfdIsCorrupted) {
    PackageSpec spec;
    spec.changeImage = [](std::string& image) { image[4096] = 'x'; };
    const MemoryFile file = buildPackage(spec);
    file.seal();
    const Package package = open(file.duplicate());
    expectError(Code::Corrupted, "Data block 1 ", [&] { (void)seal(package); });
}

TEST(SealedImage, OfAnUnverifiedPackageIsRefused) {
    PackageSpec spec;
    spec.key.reset();
    const Package package = open(buildPackage(spec).release(), SignaturePolicy::Optional);
    expectError(Code::Failed, "not verified", [&] { (void)seal(package); });
}

TEST(SealedImage, IsNotMadeOnceItIsStopped) {
    const Package package = open(buildPackage({}).release());
    std::stop_source stop;
    stop.request_stop();
    expectError(Code::Failed, "given up",
                [&] { (void)sealImage(package.fd.get(), package.image, package.verity, 1, stop.get_token()); });
}

TEST(Sealed, MeansAllOfWriteShrinkAndGrow) {
    const auto sealedWith = [](int seals) {
        const MemoryFile file{"x"};
        EXPECT_EQ(::fcntl(file.fd(), F_ADD_SEALS, seals), 0);
        return isSealed(file.fd());
    };
    EXPECT_TRUE(sealedWith(F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW));
    EXPECT_FALSE(sealedWith(F_SEAL_WRITE | F_SEAL_SHRINK));
    EXPECT_FALSE(sealedWith(F_SEAL_WRITE | F_SEAL_GROW));
    EXPECT_FALSE(sealedWith(F_SEAL_SHRINK | F_SEAL_GROW));
    EXPECT_FALSE(sealedWith(F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW));
    EXPECT_FALSE(sealedWith(F_SEAL_SEAL));
    EXPECT_FALSE(isSealed(test::openData("signed/fonts-2.3.4.npk").get()));
    EXPECT_FALSE(isSealed(-1));
}

}  // namespace
}  // namespace northstar
