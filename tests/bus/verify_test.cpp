// SPDX-License-Identifier: Apache-2.0
// Verify: the whole image against its hash tree.
#include <unistd.h>

#include "bus_test.h"
#include "support/package_builder.h"

namespace northstar::test {
namespace {

TEST_F(BusTest, VerifyIsTrueForAnIntactImage) {
    EXPECT_TRUE(client().verify("fonts"));
    EXPECT_TRUE(client().verify("multi:0.1.0", {{"repository", sdbus::Variant{std::string{"main"}}}}));
}

TEST_F(BusTest, VerifyIsFalseForDamagedData) {
    addPackage("other", "tampered/fsimg-data-changed.npk");
    configureOnly("", "[repositories.other]\ndir = \"" + directory_ / "other" + "\"\nkeys = [\"" +
                          dataPath("keys/golden.pub") + "\"]\n");
    EXPECT_FALSE(client().verify("hello-gzip:1.0.0"));
}

TEST_F(BusTest, VerifyOfWhatNobodySignedIsInvalidSignature) {
    EXPECT_EQ(failureOf([&] { client().verify("hello-unsigned"); }).name, ownError("InvalidSignature"));
    EXPECT_EQ(failureOf([&] { client().verify("nothing"); }).name, ownError("NoSuchContainer"));
    EXPECT_EQ(failureOf([&] { client().verify("fonts", {{"repository", sdbus::Variant{std::string{"attic"}}}}); }).name,
              ownError("NoSuchRepository"));
}

class BigImageTest : public BusTest {
protected:
    // A gigabyte, nearly all of it a hole: quick to make, and it takes a while to check.
    BigImageTest() {
        PackageSpec spec;
        spec.manifest = "name: big\nversion: 1.0.0\nuid: 1000\ngid: 1000\n";
        spec.holeBlocks = (1U << 30U) / 4096;
        const MemoryFile package = buildPackage(spec);
        const UniqueFd file{open((directory_ / "main/big.npk").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
        EXPECT_EQ(ftruncate(file.get(), static_cast<off_t>(package.size())), 0);
        for (off_t at = 0; (at = lseek(package.fd(), at, SEEK_DATA)) >= 0;) {
            const off_t end = lseek(package.fd(), at, SEEK_HOLE);
            const std::string bytes =
                contentOf(package.fd(), static_cast<std::uint64_t>(at), static_cast<std::uint64_t>(end - at));
            EXPECT_EQ(pwrite(file.get(), bytes.data(), bytes.size(), at), end - at);
            at = end;
        }
    }
    template <typename Action>
    static std::chrono::steady_clock::duration timeOf(Action&& action) {
        const auto begin = std::chrono::steady_clock::now();
        action();
        return std::chrono::steady_clock::now() - begin;
    }
};

TEST_F(BigImageTest, OtherCallsAreAnsweredMeanwhile) {
    client();
    auto check = std::async(std::launch::async, [this] { return newClient()->verify("big"); });
    client().unmount(client().mount("fonts").object);
    EXPECT_EQ(client().listContainers().size(), 12U);
    client().install("plain", openPackageFile("signed/fonts-2.3.4.npk").get());
    client().reload();
    EXPECT_EQ(check.wait_for(std::chrono::seconds{0}), std::future_status::timeout) << "too quick to be seen";
    EXPECT_TRUE(check.get());
}

TEST_F(BigImageTest, VerifyEndsSoonWhenItsCallerLeaves) {
    client();
    const auto whole = timeOf([&] { EXPECT_TRUE(client().verify("big")); });
    auto leaving = newClient();
    leaving->send(kRoot, kService, "Verify", std::string{"big"}, Options{});
    std::this_thread::sleep_for(whole / 10);
    leaving.reset();
    // Checks run one at a time, so this one waits until the other has ended.
    const auto rest = timeOf([&] { EXPECT_TRUE(client().verify("fonts")); });
    EXPECT_LT(rest, whole / 2);
}

}  // namespace
}  // namespace northstar::test
