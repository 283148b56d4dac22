// SPDX-License-Identifier: Apache-2.0
// northstarctl as a user runs it: what it prints, its exit status, and what the service was asked for.
#include "cli_test.h"

#include <filesystem>
#include <fstream>

namespace northstar::test {
namespace {

TEST_F(CliTest, MountPrintsTheMountPointAndPassesTheOptions) {
    EXPECT_EQ(
        run({"mount", "fonts", "--noexec", "--verity", "restart", "--repository", "main", "--target", "/srv/fonts"}),
        0);
    EXPECT_EQ(text_, "/srv/fonts\n");
    EXPECT_TRUE(kernel_->lastMountOptions().noexec);
    EXPECT_EQ(kernel_->lastVerity().mode, VerityMode::Restart);
    EXPECT_EQ(run({"unmount", "/srv/fonts", "--lazy"}), 0);
    EXPECT_EQ(text_, "");
    EXPECT_TRUE(nothingLeft());
}

// The command lines of northstar-mount@.service, which sh and systemd read alike but for specifiers and dollars.
TEST_F(CliTest, StoppingTheUnitOfAContainerTakesDownWhatItHasMounted) {
    std::filesystem::create_directory(directory_ / "northstar-mount");
    const auto runUnit = [&](const std::string& key) {
        std::ifstream unit{std::string{kSourceDir} + "/systemd/northstar-mount@.service.in"};
        std::string command;
        while (std::getline(unit, command) && !command.starts_with(key + "=")) {}
        command.erase(0, key.size() + 1);
        const std::vector<std::pair<std::string, std::string>> replacements{
            {"@bindir@/northstarctl", '"' + std::string{kCtlBinary} + "\" --bus \"" + bus_.address() + '"'},
            {"%I", "fonts:2.3.4"},
            {"%t/northstar-mount/%i", '"' + (directory_ / "northstar-mount/fonts:2.3.4") + '"'},
            {"$$", "$"}};
        for (const auto& [from, to] : replacements) {
            for (auto at = command.find(from); at != std::string::npos; at = command.find(from, at + to.size())) {
                command.replace(at, from.size(), to);
            }
        }
        Process process{{"/bin/sh", "-c", command}};
        text_ = process.readAll();
        return process.wait().value_or(-1);
    };
    client();
    EXPECT_EQ(runUnit("ExecStart"), 0) << text_;
    const auto other = client().mount("fonts", {{"target", sdbus::Variant{std::string{"/srv/fonts"}}}});
    ASSERT_EQ(client().listMounts().size(), 2U);
    EXPECT_EQ(runUnit("ExecStop"), 0) << text_;
    const auto left = client().listMounts();
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].get<0>(), other.object);
}

TEST_F(CliTest, UnmountTakesDownAllAndTellsOfThoseThatItCannot) {
    EXPECT_EQ(run({"unmount", "--all"}), 0);
    EXPECT_EQ(run({"mount", "fonts"}), 0);
    EXPECT_EQ(run({"mount", "multi:1.0.0"}), 0);
    kernel_->keepBusy(runDir() + "/fonts:2.3.4", {{42, "cat", "/file"}});
    EXPECT_EQ(run({"unmount", "--all"}), kBusy);
    EXPECT_TRUE(shows("fonts:2.3.4.*42 \\(cat, /file\\)")) << text_;
    EXPECT_TRUE(shows("1 of 2 mounts")) << text_;
    kernel_->release(runDir() + "/fonts:2.3.4");
    kernel_->failNext("unmount", Error{Code::NotMounted, "is somewhere else now"});
    EXPECT_EQ(run({"unmount", "--all"}), kNotFound);
    EXPECT_TRUE(shows("is somewhere else now")) << text_;
    EXPECT_EQ(run({"unmount", "--all"}), 0);
    EXPECT_TRUE(nothingLeft());
    EXPECT_TRUE(fails(kUsage, "what", {"unmount"}));
    EXPECT_TRUE(fails(kUsage, "what", {"unmount", "fonts", "--all"}));
}

TEST_F(CliTest, MountTakesPathsAndDescriptors) {
    EXPECT_EQ(run({"mount", "--file", dataPath("signed/fonts-2.3.4.npk")}), 0);
    EXPECT_EQ(text_, runDir() + "/fonts:2.3.4\n");
    EXPECT_EQ(run({"mount", dataPath("unsigned/hello-unsigned-1.0.0.npk"), "--allow-unverified"}), 0);
}

TEST_F(CliTest, VerifyTellsIntactFromCorrupted) {
    EXPECT_EQ(run({"verify", "fonts", "--repository", "main"}), 0);
    EXPECT_EQ(text_, "intact\n");
    addPackage("other", "tampered/fsimg-data-changed.npk");
    client().reload();
    EXPECT_TRUE(
        fails(kInvalid, "Corrupted: hello-gzip is corrupted", {"verify", "hello-gzip", "--repository", "other"}));
    EXPECT_TRUE(fails(kNotFound, "attic", {"verify", "attic"}));
}

TEST_F(CliTest, RepositoriesAreCalledByTheirNamesWithDashesAndDots) {
    configure("", "[repositories.\"com.my-apps\"]\ndir = \"" + directory_ / "other" + "\"\n");
    EXPECT_EQ(run({"install", dataPath("signed/fonts-2.3.4.npk"), "--repository", "com.my-apps"}), 0) << text_;
    EXPECT_EQ(run({"repositories"}), 0);
    EXPECT_TRUE(shows("com\\.my-apps")) << text_;
    EXPECT_EQ(run({"uninstall", "fonts:2.3.4", "--repository", "com.my-apps"}), 0) << text_;
    EXPECT_TRUE(
        fails(kNotFound, "no repository com.my_apps", {"uninstall", "fonts:2.3.4", "--repository", "com.my_apps"}));
}

TEST_F(CliTest, InstallAndUninstallChangeTheRepository) {
    EXPECT_EQ(run({"install", dataPath("signed/fonts-2.3.4.npk"), "--repository", "other"}), 0);
    EXPECT_EQ(text_, "fonts:2.3.4\n");
    EXPECT_TRUE(std::filesystem::exists(directory_ / "other/fonts-2.3.4.npk"));
    EXPECT_TRUE(
        fails(kFailed, "AlreadyInstalled: ", {"install", dataPath("signed/fonts-2.3.4.npk"), "--repository", "other"}));
    EXPECT_EQ(run({"uninstall", "fonts:2.3.4", "--repository", "other"}), 0);
    EXPECT_EQ(text_, "");
    EXPECT_FALSE(std::filesystem::exists(directory_ / "other/fonts-2.3.4.npk"));
}

TEST_F(CliTest, InstallNamesTheFileOrTheRepositoryThatIsNotThere) {
    EXPECT_TRUE(fails(kNotFound, "FileNotFound: Cannot open /srv/none.npk: No such file",
                      {"install", "/srv/none.npk", "--repository", "other"}));
    for (const char* name : {"attic", "../attic", "a-b", "ä"}) {
        EXPECT_TRUE(fails(kNotFound, "There is no repository",
                          {"install", dataPath("signed/fonts-2.3.4.npk"), "--repository", name}));
    }
}

TEST_F(CliTest, ReloadReadsTheRepositoriesAgain) {
    client();
    addPackage("other", "signed/fonts-2.3.4.npk");
    EXPECT_TRUE(fails(kNotFound, "fonts", {"mount", "fonts", "--repository", "other"}));
    EXPECT_EQ(run({"reload"}), 0);
    EXPECT_EQ(run({"mount", "fonts", "--repository", "other"}), 0);
}

TEST_F(CliTest, NoAskKeepsPolkitFromAsking) {
    callAs(1000);
    for (const bool ask : {true, false}) {
        for (const auto& command : {std::vector<std::string>{"reload"},
                                    {"verify", "fonts"},
                                    {"install", dataPath("signed/fonts-2.3.4.npk"), "--repository", "other"},
                                    {"uninstall", "fonts:2.3.4", "--repository", "other"}}) {
            auto arguments = command;
            if (!ask) arguments.insert(arguments.begin(), "--no-ask");
            run(arguments);
            ASSERT_FALSE(polkit_->asked().empty());
            EXPECT_EQ(polkit_->asked().back().interactive, ask) << command.front();
        }
    }
    EXPECT_EQ(polkit_->asked().size(), 8U);
}

TEST_F(CliTest, WrongUsageIsStatusTwo) {
    EXPECT_TRUE(fails(kUsage, "--repository", {"install", "/srv/hello.npk"}));
    EXPECT_TRUE(fails(kUsage, "NAME:VERSION", {"uninstall", "fonts", "--repository", "other"}));
    EXPECT_TRUE(fails(kUsage, "words", {"verify"}));
    EXPECT_TRUE(fails(kUsage, "", {"no-such-command"}));
    EXPECT_TRUE(fails(kUsage, "", {"reload", "now"}));
}

}  // namespace
}  // namespace northstar::test
