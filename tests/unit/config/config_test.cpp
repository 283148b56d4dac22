// SPDX-License-Identifier: Apache-2.0
// The configuration: defaults, every key, and mistakes by file, line and key.
#include "config/config.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace northstar::test {
namespace {

using namespace std::chrono_literals;

class ConfigTest : public testing::Test {
protected:
    Config load(const std::string& text) { return loadConfig({directory_.write("mounter.toml", text)}); }
    void refuse(const std::string& text, const std::string& part) {
        expectError(Code::Failed, part, [&] { static_cast<void>(load(text)); });
    }
    TemporaryDirectory directory_;
};

TEST_F(ConfigTest, EmptyFileHasTheDefaults) {
    const Config config = load("");
    EXPECT_EQ(config.runDir, "/run/northstar");
    EXPECT_EQ(config.stateDir, "/run/northstar-mounter");
    EXPECT_EQ(config.loopDeviceTimeout, 5s);
    EXPECT_EQ(config.workers, 0U);
    EXPECT_EQ(config.authorization, Authorization::Polkit);
    EXPECT_EQ(config.limits.mounts, 4096U);
    EXPECT_EQ(config.limits.mountsPerUid, 256U);
    EXPECT_EQ(config.limits.pendingCallsPerClient, 64U);
    EXPECT_TRUE(config.fileKeys.empty());
    EXPECT_EQ(config.fileVerification, Verification::DmVerity);
    EXPECT_TRUE(config.repositories.empty());
}

TEST_F(ConfigTest, WhatIsNoTomlIsQuotedInOneLine) {
    for (const char* text : {"workers = tr\n\n\n", "workers = tr\n\033[0m", "x = \"\001\"", "\177 = 1"}) {
        try {
            static_cast<void>(load(text));
            ADD_FAILURE() << text;
        } catch (const Error& error) {
            EXPECT_EQ(printable(error.what()), error.what());
        }
    }
}

TEST_F(ConfigTest, PathsHaveNoControlCharacters) {
    refuse("[files]\nkeys = [\"/a\\n.pub\"]\n", ":2:9: files.keys: must not contain control characters");
    refuse("[repositories.a]\ndir = \"/a\\u0007\"\n", ":2:7: repositories.a.dir: must not contain control");
}

TEST_F(ConfigTest, EveryKeyIsTaken) {
    const Config config = load(R"(run_dir = "/r/"
state_dir = "/s"
loop_device_timeout = "200ms"
workers = 3
authorization = "root-only"
[limits]
mounts = 1
mounts_per_uid = 2
pending_calls_per_client = 3
[files]
keys = ["/a.pub", "/b.pub"]
verification = "sealed"
[repositories.vendor]
type = "directory"
dir = "/d"
keys = ["/c.pub"]
verification = "sealed"
watch = false
mount_on_start = true
capacity = "1GiB"
max_containers = 9
[repositories.ram]
type = "memory"
capacity = 4096
)");
    EXPECT_EQ(config.runDir, "/r");
    EXPECT_EQ(config.stateDir, "/s");
    EXPECT_EQ(config.loopDeviceTimeout, 200ms);
    EXPECT_EQ(config.workers, 3U);
    EXPECT_EQ(config.authorization, Authorization::RootOnly);
    EXPECT_EQ(config.limits.mounts, 1U);
    EXPECT_EQ(config.limits.mountsPerUid, 2U);
    EXPECT_EQ(config.limits.pendingCallsPerClient, 3U);
    EXPECT_EQ(config.fileKeys, (std::vector<std::string>{"/a.pub", "/b.pub"}));
    EXPECT_EQ(config.fileVerification, Verification::Sealed);
    const auto& vendor = config.repositories.at("vendor");
    EXPECT_EQ(vendor.dir, "/d");
    EXPECT_EQ(vendor.keys, std::vector<std::string>{"/c.pub"});
    EXPECT_EQ(vendor.verification, Verification::Sealed);
    EXPECT_FALSE(vendor.watch);
    EXPECT_TRUE(vendor.mountOnStart);
    EXPECT_EQ(vendor.capacity, 1ULL << 30U);
    EXPECT_EQ(vendor.maxContainers, 9U);
    EXPECT_EQ(config.repositories.at("ram").type, RepositoryType::Memory);
    EXPECT_EQ(config.repositories.at("ram").verification, Verification::Sealed);
    EXPECT_EQ(config.repositories.at("ram").capacity, 4096U);
}

TEST_F(ConfigTest, DirectoryOfARepositoryFollowsItsName) {
    EXPECT_EQ(load("[repositories.vendor]\n").repositories.at("vendor").dir, "/var/lib/northstar/vendor");
}

TEST_F(ConfigTest, UnknownKeysAreNamedWithTheirLine) {
    refuse("\ncolour = 1\n", "mounter.toml:2:1: colour");
    refuse("[limits]\nmount = 1\n", "mounter.toml:2:1: limits.mount");
    refuse("[repositories.a]\n\nkey = []\n", "mounter.toml:3:1: repositories.a.key");
    refuse("[files]\ndir = \"/x\"\n", "mounter.toml:2:1: files.dir");
}

TEST_F(ConfigTest, WrongTypesAndValuesAreNamedWithTheirLine) {
    refuse("run_dir = 5\n", "mounter.toml:1:11: run_dir");
    refuse("run_dir = \"relative\"\n", "run_dir");
    refuse("loop_device_timeout = 5\n", "loop_device_timeout");
    refuse("loop_device_timeout = \"soon\"\n", "loop_device_timeout");
    refuse("workers = -1\n", "workers");
    refuse("workers = 100000\n", "workers");
    refuse("workers = 2.5\n", "workers");
    refuse("authorization = \"none\"\n", "\"polkit\" or \"root-only\"");
    refuse("limits = 7\n", "limits");
    refuse("[files]\nkeys = \"/a.pub\"\n", "files.keys");
    refuse("[files]\nkeys = [\"a.pub\"]\n", "files.keys");
    refuse("[repositories.a]\nwatch = 1\n", ":2:9: repositories.a.watch: must be true or false");
    refuse("[repositories.a]\ntype = \"memory\"\nwatch = true\n",
           ":3:9: repositories.a.watch: a memory repository has");
    refuse("[repositories.a]\nmount_on_start = \"yes\"\n", "repositories.a.mount_on_start");
    refuse("[repositories.a]\ncapacity = \"much\"\n", "repositories.a.capacity");
    refuse("[repositories.a]\ncapacity = -1\n", "repositories.a.capacity");
    refuse("[repositories.a]\ntype = \"tape\"\n", "repositories.a.type");
    refuse("[repositories.a]\nverification = \"none\"\n", "repositories.a.verification");
    refuse("[repositories]\na = 7\n", "repositories.a");
}

TEST_F(ConfigTest, RepositoryNamesMustBeRepositoryNames) {
    EXPECT_TRUE(load("[repositories.\"com.example.my-apps\"]\n").repositories.contains("com.example.my-apps"));
    refuse("[repositories.\"../x\"]\n", "../x");
    refuse("[repositories.\".x\"]\n", "does not begin with");
    refuse("[repositories.\"\"]\n", "letters, digits, _");
}

TEST_F(ConfigTest, RepositoriesWithTheSameObjectPathAreRefused) {
    refuse("[repositories.a_2db]\n[repositories.a-b]\n", "object path of");
}

TEST_F(ConfigTest, DirectoriesOfTheServiceHaveOneSpelling) {
    const Config config = load("run_dir = \"//r/./x//\"\nstate_dir = \"/s/.\"\n");
    EXPECT_EQ(config.runDir, "/r/x");
    EXPECT_EQ(config.stateDir, "/s");
    refuse("\nrun_dir = \"/r/../x\"\n", "mounter.toml:2:11: run_dir: must not contain ..");
    refuse("state_dir = \"/\"\n", "mounter.toml:1:13: state_dir");
    refuse("run_dir = \"/r\"\nstate_dir = \"/r/state\"\n", "mounter.toml:2:13: state_dir");
    refuse("run_dir = \"/s/run\"\nstate_dir = \"/s/\"\n", "mounter.toml:2:13: state_dir");
    EXPECT_EQ(load("run_dir = \"/run/northstar-mounter2\"\n").runDir, "/run/northstar-mounter2");
}

TEST_F(ConfigTest, RepositoriesHaveDirectoriesOfTheirOwn) {
    refuse("[repositories.a]\ndir = \"/p\"\n[repositories.b]\ndir = \"//p/./\"\n",
           "mounter.toml:4:7: repositories.b.dir: is the directory of repository a");
    refuse("[repositories.a]\ndir = \"/var/lib/northstar/b\"\n[repositories.b]\n", "is the directory of repository");
    refuse("run_dir = \"/r\"\n[repositories.a]\ndir = \"/r/p\"\n",
           "mounter.toml:3:7: repositories.a.dir: must not lie in run_dir");
    refuse("run_dir = \"/r\"\n[repositories.a]\ndir = \"/r\"\n", "must not lie in run_dir");
    refuse("state_dir = \"/s\"\n[repositories.a]\ndir = \"/s/p\"\n", "must not lie in state_dir");
    EXPECT_EQ(load("[repositories.a]\ndir = \"/p\"\n[repositories.b]\ndir = \"/p/q\"\n").repositories.size(), 2U);
    EXPECT_EQ(load("[repositories.a]\ntype = \"memory\"\n[repositories.b]\ntype = \"memory\"\n").repositories.size(),
              2U);
}

TEST_F(ConfigTest, MayBeChangedByRootAlone) {
    const std::string file = directory_.write("mounter.toml", "workers = 3\n");
    for (const unsigned mode : {0660U, 0606U, 0646U, 0664U}) {
        std::filesystem::permissions(file, std::filesystem::perms{mode});
        expectError(Code::Failed, fmt::format("mode {:04o}); chmod go-w {}", mode, file),
                    [&] { static_cast<void>(loadConfig({file})); });
    }
    std::filesystem::permissions(file, std::filesystem::perms{0640});
    EXPECT_EQ(loadConfig({file}).workers, 3U);
    ASSERT_EQ(chown(file.c_str(), 1000, 0), 0);
    expectError(Code::Failed, "it belongs to user 1000, who could change it; chown root " + file,
                [&] { static_cast<void>(loadConfig({file})); });
}

TEST_F(ConfigTest, AMemoryRepositoryHasNoDirectory) {
    refuse("[repositories.a]\ntype = \"memory\"\ndir = \"/x\"\n", "repositories.a.dir");
}

TEST_F(ConfigTest, WhatIsNoTomlIsNamedWithItsLine) { refuse("a = 1\nb = = 2\n", "mounter.toml:2"); }

TEST_F(ConfigTest, AMissingFileIsAnError) {
    expectError(Code::Failed, "/nowhere/mounter.toml",
                [] { static_cast<void>(loadConfig({"/nowhere/mounter.toml"})); });
}

}  // namespace
}  // namespace northstar::test
