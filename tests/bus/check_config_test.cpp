// SPDX-License-Identifier: Apache-2.0
// northstar-mounterd --check-config: what a start would find wrong, and nothing is touched.
#include <algorithm>
#include <filesystem>

#include "bus_test.h"
#include "support/paths.h"
#include "support/process.h"

namespace northstar::test {
namespace {

class CheckConfigTest : public BusTest {
protected:
    void check(int expected) {
        Process process{{kDaemonBinary, "--check-config", "--config", directory_ / "mounter.toml", "--bus", address_}};
        output_ = process.readAll();
        EXPECT_EQ(process.wait(), expected) << output_;
    }
    [[nodiscard]] bool says(const std::string& line) const {
        return ("\n" + output_).find("\n" + directory_ / "mounter.toml" + line) != std::string::npos;
    }
    std::string address_ = bus_.address();
    std::string output_;
};

TEST_F(CheckConfigTest, AGoodOneIsSaidInOneLineWithItsFile) {
    check(0);
    EXPECT_EQ(output_, "The configuration is good: " + directory_ / "mounter.toml" + "\n");
}

TEST_F(CheckConfigTest, AllThatIsWrongHasALineEach) {
    configureOnly("colour = \"red\"",
                  "[limit]\n[repositories.a]\ndir = \"/p\"\ncapacity = \"much\"\nkey = \"/k.pub\"\n[repositories.b]\n"
                  "dir = \"/p/\"\nkeys = [\"/nowhere/vendor.pub\"]\n");
    check(1);
    EXPECT_EQ(std::ranges::count(output_, '\n'), 6) << output_;
    EXPECT_TRUE(says(":4:1: colour: unknown key\n")) << output_;
    EXPECT_TRUE(says(":5:2: limit: unknown table; did you mean \"limits\"?\n")) << output_;
    EXPECT_TRUE(says(":8:12: repositories.a.capacity: \"much\" is no size below 16 EiB; write one like ")) << output_;
    EXPECT_TRUE(says(":9:1: repositories.a.key: unknown key; it is one of northstar.toml: write keys = [")) << output_;
    EXPECT_TRUE(says(":11:7: repositories.b.dir: is the directory of repository a, too; ")) << output_;
    EXPECT_TRUE(says(":12:9: repositories.b.keys: Cannot read the public key /nowhere/vendor.pub: ")) << output_;
}

TEST_F(CheckConfigTest, WhatIsNoTomlHasOneLine) {
    directory_.write("mounter.toml", "workers = 1\nworkers = = 2\ncolour = 3\n");
    check(1);
    EXPECT_EQ(std::ranges::count(output_, '\n'), 1) << output_;
    EXPECT_TRUE(says(":2:")) << output_;
}

TEST_F(CheckConfigTest, AFileThatAnybodyMayWriteToIsRefusedAsAtAStart) {
    std::filesystem::permissions(directory_ / "mounter.toml", std::filesystem::perms{0666});
    check(1);
    EXPECT_TRUE(says(": cannot read the configuration: others than its owner may write to it")) << output_;
}

TEST_F(CheckConfigTest, TheBusAndTheDirectoriesAreLeftAlone) {
    client();  // it has the name
    configureOnly("", "[repositories.fresh]\ndir = \"" + directory_ / "fresh" + "\"\n");
    check(0);
    EXPECT_FALSE(std::filesystem::exists(directory_ / "fresh"));
    stop();
    std::filesystem::remove_all(runDir());
    std::filesystem::remove_all(directory_ / "state");
    address_ = "unix:path=/nowhere";
    check(0);
    EXPECT_FALSE(std::filesystem::exists(runDir()));
    EXPECT_FALSE(std::filesystem::exists(directory_ / "state"));
}

TEST_F(CheckConfigTest, WrongUsageHasAStatusOfItsOwn) {
    for (const auto& arguments : {std::vector<std::string>{"--check-config=maybe"}, {"--check-config", "file.toml"}}) {
        std::vector<std::string> argv{kDaemonBinary};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        Process process{argv};
        static_cast<void>(process.readAll());
        EXPECT_EQ(process.wait(), 2) << arguments.front();
    }
}

}  // namespace
}  // namespace northstar::test
