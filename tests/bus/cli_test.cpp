// SPDX-License-Identifier: Apache-2.0
// northstarctl as a user runs it: what it prints, its exit status, and what the service was asked for.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>

#include "bus_test.h"
#include "support/paths.h"
#include "support/process.h"

namespace northstar::test {
namespace {

class CliTest : public BusTest {
protected:
    CliTest() {
        configure("", "[repositories.other]\ndir = \"" + directory_ / "other" + "\"\nkeys = [\"" +
                          dataPath("keys/golden.pub") + "\"]\ncapacity = \"1MB\"\nmax_containers = 2\n");
    }

    // Runs it to its end; its output is in text_.
    int run(std::vector<std::string> arguments) {
        client();
        arguments.insert(arguments.begin(), {kCtlBinary, "--bus", bus_.address()});
        Process process{arguments};
        text_ = process.readAll();
        return process.wait().value_or(-1);
    }
    // It fails with this status and one line that has this in it.
    testing::AssertionResult fails(int status, const std::string& part, const std::vector<std::string>& arguments) {
        const int got = run(arguments);
        if (got != status || text_.find(part) == std::string::npos) {
            return testing::AssertionFailure() << "status " << got << ": " << text_;
        }
        if (status == 1 && std::ranges::count(text_, '\n') != 1) return testing::AssertionFailure() << text_;
        return testing::AssertionSuccess();
    }
    [[nodiscard]] bool shows(const std::string& pattern) const { return std::regex_search(text_, std::regex{pattern}); }

    std::string text_;
};

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
    EXPECT_EQ(run({"unmount", "--all"}), 1);
    EXPECT_TRUE(shows("fonts:2.3.4.*42 \\(cat, /file\\)")) << text_;
    EXPECT_TRUE(shows("1 of 2 mounts")) << text_;
    kernel_->release(runDir() + "/fonts:2.3.4");
    kernel_->failNext("unmount", Error{Code::NotMounted, "is somewhere else now"});
    EXPECT_EQ(run({"unmount", "--all"}), 1);
    EXPECT_TRUE(shows("is somewhere else now")) << text_;
    EXPECT_EQ(run({"unmount", "--all"}), 0);
    EXPECT_TRUE(nothingLeft());
    EXPECT_TRUE(fails(2, "what", {"unmount"}));
    EXPECT_TRUE(fails(2, "what", {"unmount", "fonts", "--all"}));
}

TEST_F(CliTest, MountTakesPathsAndDescriptors) {
    EXPECT_EQ(run({"mount", "--file", dataPath("signed/fonts-2.3.4.npk")}), 0);
    EXPECT_EQ(text_, runDir() + "/fonts:2.3.4\n");
    EXPECT_EQ(run({"mount", "--fd", dataPath("unsigned/hello-unsigned-1.0.0.npk"), "--allow-unverified"}), 0);
    EXPECT_EQ(run({"list"}), 0);
    EXPECT_TRUE(shows("fonts:2.3.4 +\\S+/run/fonts:2.3.4 +/dev/dm-0 +/org/northstar/Mounter/mounts/1\n")) << text_;
    EXPECT_EQ(run({"list", "--json"}), 0);
    EXPECT_TRUE(shows("\"container\": \"hello-unsigned:1.0.0\"")) << text_;
}

TEST_F(CliTest, VerifyTellsIntactFromCorrupted) {
    EXPECT_EQ(run({"verify", "fonts", "--repository", "main"}), 0);
    EXPECT_EQ(text_, "intact\n");
    addPackage("other", "tampered/fsimg-data-changed.npk");
    client().reload();
    EXPECT_TRUE(fails(1, "hello-gzip is corrupted", {"verify", "hello-gzip", "--repository", "other"}));
    EXPECT_TRUE(fails(1, "attic", {"verify", "attic"}));
}

TEST_F(CliTest, RepositoriesAreCalledByTheirNamesWithDashesAndDots) {
    configure("", "[repositories.\"com.my-apps\"]\ndir = \"" + directory_ / "other" + "\"\n");
    EXPECT_EQ(run({"install", dataPath("signed/fonts-2.3.4.npk"), "--repository", "com.my-apps"}), 0) << text_;
    EXPECT_EQ(run({"repositories"}), 0);
    EXPECT_TRUE(shows("com\\.my-apps")) << text_;
    EXPECT_EQ(run({"uninstall", "fonts:2.3.4", "--repository", "com.my-apps"}), 0) << text_;
    EXPECT_TRUE(fails(1, "no repository com.my_apps", {"uninstall", "fonts:2.3.4", "--repository", "com.my_apps"}));
}

TEST_F(CliTest, InstallAndUninstallChangeTheRepository) {
    EXPECT_EQ(run({"install", dataPath("signed/fonts-2.3.4.npk"), "--repository", "other"}), 0);
    EXPECT_EQ(text_, "fonts:2.3.4\n");
    EXPECT_TRUE(std::filesystem::exists(directory_ / "other/fonts-2.3.4.npk"));
    EXPECT_TRUE(fails(1, "has it already", {"install", dataPath("signed/fonts-2.3.4.npk"), "--repository", "other"}));
    EXPECT_EQ(run({"uninstall", "fonts:2.3.4", "--repository", "other"}), 0);
    EXPECT_EQ(text_, "");
    EXPECT_FALSE(std::filesystem::exists(directory_ / "other/fonts-2.3.4.npk"));
}

TEST_F(CliTest, InstallNamesTheFileOrTheRepositoryThatIsNotThere) {
    EXPECT_TRUE(fails(1, "/srv/none.npk: No such file", {"install", "/srv/none.npk", "--repository", "other"}));
    for (const char* name : {"attic", "../attic", "a-b", "ä"}) {
        EXPECT_TRUE(
            fails(1, "There is no repository", {"install", dataPath("signed/fonts-2.3.4.npk"), "--repository", name}));
    }
}

TEST_F(CliTest, RepositoriesAreListedAsTableAndAsJson) {
    run({"install", dataPath("signed/fonts-2.3.4.npk"), "--repository", "other"});
    EXPECT_EQ(run({"repositories"}), 0);
    EXPECT_TRUE(shows("^NAME +TYPE +VERIFIED +USED +CAPACITY +MAX +DIRECTORY\n")) << text_;
    EXPECT_TRUE(shows("other +directory +yes +44713 +1000000 +2 +" + directory_ / "other")) << text_;
    EXPECT_TRUE(shows("plain +directory +no +\\d+ +0 +0 +")) << text_;
    EXPECT_EQ(run({"repositories", "--json"}), 0);
    EXPECT_TRUE(
        shows("\\{\"name\": \"other\", \"type\": \"directory\", \"verified\": true, \"used\": 44713, "
              "\"capacity\": 1000000, \"max_containers\": 2, \"directory\": \"[^\"]*\", "
              "\"keys\": \\[\"[0-9a-f]{64}\"\\], \"containers\": \\[\"fonts:2.3.4\"\\]\\}"))
        << text_;
}

TEST_F(CliTest, ReloadReadsTheRepositoriesAgain) {
    client();
    addPackage("other", "signed/fonts-2.3.4.npk");
    EXPECT_TRUE(fails(1, "fonts", {"mount", "fonts", "--repository", "other"}));
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
    EXPECT_TRUE(fails(2, "--repository", {"install", "/srv/hello.npk"}));
    EXPECT_TRUE(fails(2, "NAME:VERSION", {"uninstall", "fonts", "--repository", "other"}));
    EXPECT_TRUE(fails(2, "container", {"verify"}));
    EXPECT_TRUE(fails(2, "", {"no-such-command"}));
    EXPECT_TRUE(fails(2, "", {"reload", "now"}));
}

TEST_F(CliTest, BashCompletesCommandsOptionsContainersAndRepositories) {
    client().mount("fonts");
    const auto complete = [&](const std::string& words) {
        const std::string count = std::to_string(std::ranges::count(words, ' '));
        Process bash{{"bash", "-c",
                      "ctl=$1 bus=$2; northstarctl() { \"$ctl\" --bus \"$bus\" \"$@\"; }; compopt() { :; }; . \"$3\"; "
                      "COMP_WORDS=(" +
                          words + "); COMP_CWORD=" + count + "; _northstarctl; echo ${COMPREPLY[*]}",
                      "bash", kCtlBinary, bus_.address(), std::string{kSourceDir} + "/docs/northstarctl.bash"}};
        return bash.readLine();
    };
    EXPECT_EQ(complete("northstarctl un"), "unmount uninstall");
    EXPECT_EQ(complete("northstarctl mount --re"), "--repository");
    EXPECT_EQ(complete("northstarctl mount fon"), "fonts:2.3.4");
    EXPECT_EQ(complete("northstarctl unmount fon"), "fonts:2.3.4");
    EXPECT_EQ(complete("northstarctl uninstall fonts:2.3.4 --repository ot"), "other");
    EXPECT_EQ(complete("northstarctl mount fonts --verity r"), "restart");
}

}  // namespace
}  // namespace northstar::test
