// SPDX-License-Identifier: Apache-2.0
// Verify: the whole image against its hash tree.
#include "bus_test.h"

namespace northstar::test {
namespace {

TEST_F(BusTest, VerifyIsTrueForAnIntactImage) {
    EXPECT_TRUE(client().verify("fonts"));
    EXPECT_TRUE(client().verify("multi:0.1.0", {{"repository", sdbus::Variant{std::string{"main"}}}}));
}

TEST_F(BusTest, VerifyIsFalseForDamagedData) {
    addPackage("other", "tampered/fsimg-data-changed.npk");
    configureOnly("", "[repositories.other]\ndir = \"" + directory_ / "other" + "\"\nkeys = [\"" + dataPath("keys/golden.pub") +
                          "\"]\n");
    EXPECT_FALSE(client().verify("hello-gzip:1.0.0"));
}

TEST_F(BusTest, VerifyOfWhatNobodySignedIsInvalidSignature) {
    EXPECT_EQ(failureOf([&] { client().verify("hello-unsigned"); }).name, ownError("InvalidSignature"));
    EXPECT_EQ(failureOf([&] { client().verify("nothing"); }).name, ownError("NoSuchContainer"));
    EXPECT_EQ(failureOf([&] { client().verify("fonts", {{"repository", sdbus::Variant{std::string{"attic"}}}}); }).name,
              ownError("NoSuchRepository"));
}

}  // namespace
}  // namespace northstar::test
