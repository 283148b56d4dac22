// SPDX-License-Identifier: Apache-2.0
// All that is wrong, said at once, and what was meant.
#include "config/problems.h"

#include <gtest/gtest.h>

#include <set>

#include "config/config.h"
#include "config/suggestion.h"
#include "support/temporary_directory.h"

namespace northstar::test {
namespace {

class ProblemsTest : public testing::Test {
protected:
    // Without the name of the file.
    std::vector<std::string> problemsOf(const std::string& text) const {
        const std::string file = directory_.write("mounter.toml", text);
        std::vector<std::string> lines = readConfig({file}).problems.lines();
        for (auto& line : lines) {
            EXPECT_TRUE(line.starts_with(file + ":")) << line;
            line.erase(0, file.size() + 1);
        }
        return lines;
    }
    TemporaryDirectory directory_;
};

using Lines = std::vector<std::string>;

TEST_F(ProblemsTest, AllAreSaidWithLineAndColumn) {
    EXPECT_EQ(
        problemsOf("workers = \"many\"\nauthorisation = \"polkit\"\n\n[limit]\nmounts = 3\n[files]\n"
                   "keys = [\"/a.pub\", 7,\n  \"b.pub\"]\n[repositories.a]\nmount_on_start = 1\n"
                   "capacity = \"1 parsec\"\n[repositories.\"-\"]\n"),
        (Lines{"1:11: workers: must be a whole number from 0 to 256",
               "2:1: authorisation: unknown key; did you mean \"authorization\"?",
               "4:2: limit: unknown table; did you mean \"limits\"?",
               "7:19: files.keys: must be a list of absolute paths",
               "8:3: files.keys: must be a list of absolute paths",
               "10:18: repositories.a.mount_on_start: must be true or false",
               "11:12: repositories.a.capacity: \"1 parsec\" is no size below 16 EiB; write one like \"100MB\" or "
               "\"1.5GiB\", or a number of bytes",
               "12:1: repositories.-: a name is letters, digits, _, - and . only, and does not begin with - or ."}));
}

TEST_F(ProblemsTest, WrongValuesAreQuotedWithAnExample) {
    EXPECT_EQ(problemsOf("loop_device_timeout = \"25h\"\n"),
              Lines{"1:23: loop_device_timeout: \"25h\" is no time up to a day; write one like \"5s\", \"200ms\" or "
                    "\"1min 30s\""});
    EXPECT_EQ(
        problemsOf("loop_device_timeout = 5\n"),
        Lines{"1:23: loop_device_timeout: 5 is no time up to a day; write one like \"5s\", \"200ms\" or \"1min 30s\""});
    EXPECT_EQ(
        problemsOf("[repositories.\"com.example\"]\ncapacity = -1\n"),
        Lines{"2:12: repositories.\"com.example\".capacity: -1 is no size below 16 EiB; write one like \"100MB\" or "
              "\"1.5GiB\", or a number of bytes"});
}

TEST_F(ProblemsTest, WhatIsFarFromEveryKeyHasNoSuggestion) {
    EXPECT_EQ(problemsOf("colour = 1\n"), Lines{"1:1: colour: unknown key"});
    EXPECT_EQ(problemsOf("[x]\n"), Lines{"1:2: x: unknown table"});
    EXPECT_EQ(problemsOf(std::string(1000, 'w') + " = 1\n"),
              Lines{"1:1: " + std::string(200, 'w') + "...: unknown key"});
}

TEST_F(ProblemsTest, SuggestionsAreOfTheSameTable) {
    EXPECT_EQ(problemsOf("[limits]\nmount = 1\n"), Lines{"2:1: limits.mount: unknown key; did you mean \"mounts\"?"});
    EXPECT_EQ(problemsOf("[repositories.a]\nkyes = []\nverfication = \"sealed\"\nmax_container = 3\n"),
              (Lines{"2:1: repositories.a.kyes: unknown key; did you mean \"keys\"?",
                     "3:1: repositories.a.verfication: unknown key; did you mean \"verification\"?",
                     "4:1: repositories.a.max_container: unknown key; did you mean \"max_containers\"?"}));
}

TEST_F(ProblemsTest, KeysOfNorthstarAreToldWithWhatTakesTheirPlace) {
    const auto lines = problemsOf(
        "data_dir = \"/d\"\nlog_dir = \"/l\"\ncgroup = \"n\"\n[debug]\nconsole = \"tcp://x\"\n"
        "[repositories.m]\ntype = \"mem\"\nkey = \"/k.pub\"\ncapacity_num = 10\n"
        "capacity_size = \"100MB\"\n[repositories.f]\ntype = { fs = { dir = \"/f\" } }\n");
    ASSERT_EQ(lines.size(), 9U);
    EXPECT_TRUE(lines[0].starts_with("1:1: data_dir: unknown key; it is one of northstar.toml: ")) << lines[0];
    EXPECT_TRUE(lines[3].starts_with("4:2: debug: unknown table; it is one of northstar.toml: ")) << lines[3];
    EXPECT_EQ(lines[4], "7:8: repositories.m.type: it is one of northstar.toml: write type = \"memory\"");
    EXPECT_EQ(lines[5], "8:1: repositories.m.key: unknown key; it is one of northstar.toml: write keys = [\"FILE\"]");
    EXPECT_EQ(lines[6],
              "9:1: repositories.m.capacity_num: unknown key; it is one of northstar.toml: write max_containers");
    EXPECT_EQ(lines[7], "10:1: repositories.m.capacity_size: unknown key; it is one of northstar.toml: write capacity");
    EXPECT_EQ(lines[8],
              "12:8: repositories.f.type: it is one of northstar.toml: write type = \"directory\" and dir = "
              "\"DIRECTORY\"");
}

TEST_F(ProblemsTest, TheMessageIsOneLineOfBoundedLength) {
    std::string text;
    for (int i = 0; i < 5000; ++i) text += "key" + std::to_string(i) + " = 1\n";
    directory_.write("mounter.toml", text);
    try {
        static_cast<void>(loadConfig({directory_ / "mounter.toml"}));
        FAIL();
    } catch (const ConfigError& error) {
        const std::string message = error.what();
        EXPECT_LT(message.size(), 5000U);
        EXPECT_EQ(message.find('\n'), std::string::npos);
        EXPECT_NE(message.find("mounter.toml:1:1: key0: unknown key; "), std::string::npos) << message;
        EXPECT_NE(message.find(" more, see northstar-mounterd --check-config"), std::string::npos) << message;
        EXPECT_EQ(error.lines().size(), Problems::kMost + 1);
        EXPECT_EQ(error.lines().back(), "and 4000 problems more");
    }
}

TEST(NearestName, IsTheOneWithTheFewestChanges) {
    const std::set<std::string> known{"keys", "dir", "verification", "mounts", "mounts_per_uid", "type"};
    EXPECT_EQ(nearestName("key", known), "keys");
    EXPECT_EQ(nearestName("kesy", known), "keys");  // two swapped are one change
    EXPECT_EQ(nearestName("dri", known), "dir");
    EXPECT_EQ(nearestName("mounts_per_user", known), "mounts_per_uid");
    EXPECT_EQ(nearestName("mountz", known), "mounts");
    EXPECT_EQ(nearestName("Type", known), "type");
    for (const char* far : {"", "x", "k", "directory", "vacation", "size"})
        EXPECT_EQ(nearestName(far, known), "") << far;
}

}  // namespace
}  // namespace northstar::test
