// SPDX-License-Identifier: Apache-2.0
// What northstarctl takes for a container: names, paths, several of them; and mount --ensure.
#include <filesystem>

#include "cli_test.h"

namespace northstar::test {
namespace {

class CliMountTest : public CliTest {
protected:
    std::string fonts_ = dataPath("signed/fonts-2.3.4.npk");
};

TEST_F(CliMountTest, SeveralAreMountedAndUnmountedInTheirOrder) {
    EXPECT_EQ(run({"mount", "multi:1.0.0", fonts_, "hello-gzip"}), kDone);
    EXPECT_EQ(text_, runDir() + "/multi:1.0.0\n" + runDir() + "/fonts:2.3.4\n" + runDir() + "/hello-gzip:1.0.0\n");
    EXPECT_EQ(client().listMounts().size(), 3U);
    EXPECT_EQ(run({"unmount", "hello-gzip", runDir() + "/multi:1.0.0", fonts_}), kDone);
    EXPECT_EQ(text_, "");
    EXPECT_TRUE(nothingLeft());
}

TEST_F(CliMountTest, WhatFailsOfSeveralIsToldAndTheOthersAreDone) {
    EXPECT_EQ(run({"mount", "attic", "fonts", "/srv/none.npk"}), kNotFound);
    EXPECT_TRUE(shows("NoSuchContainer: .*attic.*\n")) << text_;
    EXPECT_TRUE(shows("FileNotFound: .*none.npk.*\n")) << text_;
    EXPECT_TRUE(shows("(^|\n)" + runDir() + "/fonts:2.3.4\n")) << text_;
    EXPECT_EQ(runJson({"unmount", "attic", "fonts"}), kNotFound);
    ASSERT_EQ(json_.size(), 2U);
    EXPECT_EQ(json_[0]["error"]["name"], "NotMounted");
    EXPECT_EQ(json_[1], (Json{{"what", "fonts"}, {"ok", true}}));
    EXPECT_TRUE(nothingLeft());
}

TEST_F(CliMountTest, APathIsOpenedWithTheRightsOfTheCaller) {
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(dataPath("signed"));
    EXPECT_EQ(run({"mount", "fonts-2.3.4.npk"}), kDone);
    EXPECT_EQ(run({"inspect", "./fonts-2.3.4.npk"}), kDone);
    EXPECT_TRUE(shows("version: 2.3.4\n")) << text_;
    EXPECT_EQ(run({"unmount", "./fonts-2.3.4.npk"}), kDone);
    std::filesystem::current_path(before);
    EXPECT_TRUE(nothingLeft());
    EXPECT_TRUE(fails(kInvalid, "directory", {"inspect", "/srv/"}));
}

TEST_F(CliMountTest, BehindTwoDashesEverythingIsAName) {
    EXPECT_TRUE(fails(kUsage, "-x", {"mount", "-x"}));
    EXPECT_TRUE(fails(kNotFound, "NoSuchContainer: There is no container -x", {"mount", "--", "-x"}));
    EXPECT_TRUE(fails(kNotFound, "NotMounted: --all", {"unmount", "--", "--all"}));
    EXPECT_EQ(run({"mount", "--noexec", "--", "fonts"}), kDone);
}

TEST_F(CliMountTest, WhatCannotBeMeantTogetherIsRefused) {
    EXPECT_TRUE(fails(kUsage, "--target", {"mount", "fonts", "multi:1.0.0", "--target", "/srv/a"}));
    EXPECT_TRUE(fails(kUsage, "--repository", {"mount", fonts_, "--repository", "main"}));
    EXPECT_TRUE(fails(kUsage, "--allow-unverified", {"mount", "fonts", "--allow-unverified"}));
    EXPECT_TRUE(fails(kUsage, "--file", {"mount", "fonts", "--file", fonts_}));
    EXPECT_TRUE(fails(kUsage, "name what", {"mount"}));
    EXPECT_TRUE(fails(kUsage, "verity", {"mount", "fonts", "--verity", "attic"}));
    EXPECT_TRUE(fails(kUsage, "not with --bus", {"-H", "device", "mount", "fonts"}));
    EXPECT_EQ(runAny({kCtlBinary, "-H", "device", "mount", fonts_}), kUsage);
    EXPECT_TRUE(shows("Usage: \\S+fonts-2.3.4.npk is a file of this machine.*scp \\S+ device:")) << text_;
    EXPECT_EQ(runAny({kCtlBinary, "-H", "device", "install", fonts_, "--repository", "main"}), kUsage);
    EXPECT_EQ(client().listMounts().size(), 0U);
}

TEST_F(CliMountTest, EnsureIsDoneIfItIsMountedSoAlready) {
    for (int times = 0; times < 2; ++times) {
        EXPECT_EQ(run({"mount", "--ensure", "fonts"}), kDone) << text_;
        EXPECT_EQ(text_, runDir() + "/fonts:2.3.4\n");
        EXPECT_EQ(run({"mount", "--ensure", "fonts:2.3.4", "--target", "/srv/fonts", "--repository", "main"}), kDone);
        EXPECT_EQ(text_, "/srv/fonts\n");
        EXPECT_EQ(run({"mount", "--ensure", "multi:1.0.0", "hello-gzip"}), kDone);
    }
    EXPECT_EQ(client().listMounts().size(), 4U);
}

TEST_F(CliMountTest, EnsureFailsIfWhatIsThereIsSomethingElse) {
    addPackage("other", "signed/fonts-2.3.4.npk");
    client().reload();
    EXPECT_EQ(run({"mount", "fonts", "--repository", "other"}), kDone);
    EXPECT_TRUE(fails(kFailed, "AlreadyMounted: ", {"mount", "--ensure", "fonts", "--repository", "main"}));
    EXPECT_TRUE(fails(kFailed, "AlreadyMounted: ", {"mount", "--ensure", fonts_}));
    EXPECT_TRUE(fails(kNotFound, "NoSuchContainer: ", {"mount", "--ensure", "attic"}));
    EXPECT_EQ(run({"unmount", "fonts"}), kDone);
    EXPECT_EQ(run({"mount", "--ensure", fonts_}), kDone);
    EXPECT_EQ(run({"mount", "--ensure", fonts_}), kDone);
    EXPECT_EQ(client().listMounts().size(), 1U);
}

TEST_F(CliMountTest, AFileIsVerifiedAgainstTheKeysThatAreGiven) {
    const std::string key = dataPath("keys/golden.pub");
    EXPECT_EQ(run({"verify", fonts_, "--key", key}), kDone);
    EXPECT_EQ(text_, "intact\n");
    EXPECT_EQ(run({"inspect", fonts_, "--key", key}), kDone);
    EXPECT_TRUE(shows("verified: yes\nroot_hash: [0-9a-f]{64}\n")) << text_;
    const std::string changed = dataPath("tampered/fsimg-data-changed.npk");
    EXPECT_TRUE(fails(kInvalid, "Corrupted: ", {"verify", changed, "--key", key}));
    EXPECT_EQ(run({"inspect", dataPath("unsigned/hello-unsigned-1.0.0.npk"), "--key", key}), kDone);
    EXPECT_TRUE(shows("signed: no\nverified: no\n")) << text_;
    EXPECT_TRUE(
        fails(kInvalid, "InvalidSignature: ", {"verify", dataPath("unsigned/hello-unsigned-1.0.0.npk"), "--key", key}));
}

}  // namespace
}  // namespace northstar::test
