// SPDX-License-Identifier: Apache-2.0
// Programs as processes, confined and not; and the directory in which they work.
#include "npk/tool.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "npk/confinement.h"
#include "npk/staging.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace northstar::npk {
namespace {

namespace fs = std::filesystem;
using test::expectError;

Tool shell(const std::string& script) { return {.arguments = {"sh", "-c", script}, .package = "dash"}; }

TEST(Tool, GivesItsOutputAndStatusAndTheBeginningOfItsErrors) {
    Tool tool = shell("cat; printf out; printf 'first\nsecond' >&2; exit 7");
    std::string output;
    tool.output = [&](std::string_view piece) { output += piece; };
    const ToolResult result = runTool(tool);
    EXPECT_EQ(output, "out");
    EXPECT_EQ(result.status, 7);
    EXPECT_EQ(result.errors, "first\nsecond");
    EXPECT_EQ(complaint(tool, result), "sh failed: first");
    EXPECT_EQ(complaint(tool, {3, "\n"}), "sh failed with status 3");
    EXPECT_EQ(complaint(tool, runTool(shell("kill -KILL $$"))), "sh was ended by signal 9");
}

TEST(Tool, MayTalkWithoutEnd) {
    const ToolResult result = runTool(shell("yes | head -c 1000000; yes | head -c 1000000 >&2"));
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(result.errors.size(), 16384U);
}

TEST(Tool, SaysWhatToInstall) {
    expectError(Code::Failed, "install some-package",
                [] { static_cast<void>(runTool({.arguments = {"no-such-program"}, .package = "some-package"})); });
}

TEST(Tool, IsEndedWhenStopped) {
    std::stop_source stop;
    Tool tool = shell("exec sleep 60");
    tool.stop = stop.get_token();
    const auto begin = std::chrono::steady_clock::now();
    std::jthread stopper{[&] {
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
        stop.request_stop();
    }};
    expectError(Code::Failed, "Interrupted", [&] { static_cast<void>(runTool(tool)); });
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{20});
}

// A directory that the confined process may use; the rest of its parent it may not.
class ConfinementTest : public testing::Test {
protected:
    ConfinementTest() {
        fs::create_directory(folder_ / "inside");
        ::chmod(folder_.path().c_str(), 0777);
        ::chmod((folder_ / "inside").c_str(), 0777);
        folder_.write("secret", "secret");
        ::chmod((folder_ / "secret").c_str(), 0666);
        inside_.reset(::open((folder_ / "inside").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        confinement_.emplace(inside_.get());
    }

    int run(const std::string& script) {
        Tool tool = shell(script);
        tool.directory = inside_.get();
        tool.confinement = &*confinement_;
        const ToolResult result = runTool(tool);
        said_ = result.errors;
        return result.status;
    }

    test::TemporaryDirectory folder_;
    UniqueFd inside_;
    std::optional<Confinement> confinement_;
    std::string said_;
};

TEST_F(ConfinementTest, HasOneDirectory) {
    EXPECT_EQ(run("mkdir d && echo x >d/f && mv d/f g && ln -s /etc/passwd l && mkfifo p && rm g && rmdir d"), 0)
        << said_;
    EXPECT_TRUE(fs::is_symlink(folder_ / "inside/l"));
    for (const char* script : {"cat ../secret", "echo x >>../secret", "echo x >../other", "mkdir ../other", "mv p ../p",
                               "ln p ../p", "rm ../secret", "cat l", "cat /etc/passwd", "ls /root", "ls ..",
                               "echo x >/tmp/npk-confined", "mknod n c 1 3", "mknod n b 7 0"}) {
        EXPECT_NE(run(script), 0) << script;
    }
    EXPECT_FALSE(fs::exists("/tmp/npk-confined"));
    EXPECT_EQ(fs::file_size(folder_ / "secret"), 6U);
}

TEST_F(ConfinementTest, RunsNothingThatIsInThere) { EXPECT_NE(run("cp /bin/true t && ./t"), 0); }

TEST_F(ConfinementTest, HasNoPrivileges) {
    ASSERT_EQ(run("id -u >uid; ulimit -c >core"), 0) << said_;
    unsigned uid = 0;
    std::ifstream{folder_ / "inside/uid"} >> uid;
    EXPECT_EQ(uid, ::geteuid() == 0 ? kNobody : ::geteuid());
    std::string core;
    std::ifstream{folder_ / "inside/core"} >> core;
    EXPECT_EQ(core, "0");
    EXPECT_NE(run("chown 0 uid"), 0);
    EXPECT_NE(run("kill -0 " + std::to_string(::getpid())), 0);
}

TEST(Staging, GoesWithAllThatIsInIt) {
    const test::TemporaryDirectory folder;
    {
        const Staging staging{folder / "destination"};
        const UniqueFd file = staging.create("f");
        std::string deep = staging / "d";
        for (int i = 0; i < 100; ++i) {
            fs::create_directory(deep);
            deep += "/d";
        }
        ::chmod((staging / "d").c_str(), 0);
        fs::create_directory_symlink(folder.path(), staging / "link");
    }
    EXPECT_TRUE(fs::is_empty(folder.path()));
    EXPECT_TRUE(fs::exists(folder.path()));
}

TEST(Staging, GivesNames) {
    const test::TemporaryDirectory folder;
    folder.write("destination", "old");
    const Staging staging{folder / "destination"};
    static_cast<void>(staging.create("f"));
    expectError(Code::Failed, "File exists", [&] { staging.publish("f", folder / "destination", RENAME_NOREPLACE); });
    staging.publish("f", folder / "destination");
    EXPECT_EQ(fs::file_size(folder / "destination"), 0U);
    expectError(Code::Failed, "nowhere", [&] { const Staging other{folder / "nowhere/x"}; });
}

TEST(DirectoryOf, IsWhereAPathLies) {
    EXPECT_EQ(directoryOf("a"), ".");
    EXPECT_EQ(directoryOf("a/b"), "a");
    EXPECT_EQ(directoryOf("/a"), "/");
    EXPECT_EQ(directoryOf("a/b/"), "a");
    EXPECT_EQ(directoryOf("/"), "/");
}

}  // namespace
}  // namespace northstar::npk
