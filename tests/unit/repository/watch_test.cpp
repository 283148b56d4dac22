// SPDX-License-Identifier: Apache-2.0
// A directory that is changed by hand, with the inotify of this kernel: what a look at it finds.
#include "repository/watch.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <thread>

#include "repository/list_limit.h"
#include "repository/load.h"
#include "unit/repository/repository_fixture.h"

namespace northstar::test {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

class WatchTest : public RepositoryFixture {
protected:
    WatchTest() { begin(directory_ / "packages"); }
    // Watches and reads this directory, as a start does.
    void begin(const std::string& path) {
        fs::create_directories(directory_ / "packages");
        Repository fresh = repository();
        fresh.config.dir = path;
        fresh.watch = std::make_shared<DirectoryWatch>(path);
        fresh.watch->arm();
        fresh.content = loadDirectory(fresh.name, fresh.config, fresh.keys, {});
        now_ = std::make_shared<const Repository>(std::move(fresh));
    }
    Looked look(bool mounts = false) {
        Noted noted;
        noted.path = mounts;
        Looked looked = lookAgain(now_, noted, kMostListed, {});
        if (looked.repository) now_ = looked.repository;
        return looked;
    }
    // What came and went: "+hello:1.0.0", "-hello:1.0.0".
    Names changes() {
        Names all;
        const Looked looked = look();
        for (const auto& gone : looked.difference.gone) all.push_back("-" + gone);
        for (const auto& came : looked.difference.came) all.push_back("+" + came);
        return all;
    }
    [[nodiscard]] Names listed() const { return names(now_->content); }
    [[nodiscard]] Names refused() const {
        Names all;
        for (const auto& [file, refusal] : now_->content.refused) all.push_back(file);
        return all;
    }
    static std::string bytes(const std::string& name = "hello", const std::string& version = "1.0.0") {
        const MemoryFile file = package(name, version);
        return contentOf(file.fd(), 0, file.size());
    }
    [[nodiscard]] std::string in(const std::string& name) const { return directory_ / ("packages/" + name); }
    void put(const std::string& name, const std::string& content = bytes()) const {
        directory_.write("packages/" + name, content);
    }
    std::shared_ptr<const Repository> now_;
};

TEST_F(WatchTest, FindsWhatIsCopiedInAndRemoved) {
    EXPECT_EQ(look().repository, nullptr);
    put("a.npk");
    EXPECT_EQ(changes(), Names{"+hello:1.0.0"});
    EXPECT_EQ(look().repository, nullptr);
    fs::remove(in("a.npk"));
    EXPECT_EQ(changes(), Names{"-hello:1.0.0"});
}

TEST_F(WatchTest, FindsWhatIsRenamedInOverAndAway) {
    directory_.write("aside", bytes());
    fs::rename(directory_ / "aside", in("a.npk"));
    EXPECT_EQ(changes(), Names{"+hello:1.0.0"});
    put(".a.npk.Ab12Cd", bytes("hello", "2.0.0"));
    EXPECT_EQ(look().repository, nullptr);
    fs::rename(in(".a.npk.Ab12Cd"), in("a.npk"));
    EXPECT_EQ(changes(), (Names{"-hello:1.0.0", "+hello:2.0.0"}));
    fs::rename(in("a.npk"), in("b.npk"));
    EXPECT_EQ(changes(), Names{});
    EXPECT_EQ(now_->content.entries.at("hello:2.0.0").file, "b.npk");
    fs::rename(in("b.npk"), in("b"));
    EXPECT_EQ(changes(), Names{"-hello:2.0.0"});
}

TEST_F(WatchTest, FindsAnotherLinkAtOnce) {
    directory_.write("aside", bytes());
    fs::create_hard_link(directory_ / "aside", in("a.npk"));
    EXPECT_EQ(changes(), Names{"+hello:1.0.0"});
}

// Of a file that gets its only name when it is whole, nothing says that it is closed.
TEST_F(WatchTest, FindsAFileThatGetsItsNameAtTheEnd) {
    const int writer = open(in("").c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
    if (writer < 0) GTEST_SKIP() << "this filesystem has no O_TMPFILE";
    const UniqueFd file{writer};
    const std::string content = bytes();
    ASSERT_EQ(write(file.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
    const std::string link = "/proc/self/fd/" + std::to_string(file.get());
    ASSERT_EQ(linkat(AT_FDCWD, link.c_str(), AT_FDCWD, in("a.npk").c_str(), AT_SYMLINK_FOLLOW), 0);
    Looked looked = look();
    if (!looked.repository) {  // within one tick of the clock: told apart from a writer a moment later
        EXPECT_TRUE(looked.again);
        looked = look();
    }
    EXPECT_EQ(looked.difference.came, Names{"hello:1.0.0"});
    EXPECT_FALSE(looked.again);
}

TEST_F(WatchTest, DoesNotReadWhatIsBeingWritten) {
    const std::string content = bytes();
    std::ofstream writer{in("a.npk"), std::ios::binary};
    EXPECT_EQ(look().repository, nullptr);
    writer << content.substr(0, 5000) << std::flush;
    put("other.npk", bytes("other"));
    EXPECT_EQ(changes(), Names{"+other:1.0.0"});
    EXPECT_EQ(refused(), Names{});
    EXPECT_FALSE(look().again);
    writer << content.substr(5000);
    writer.close();
    EXPECT_EQ(changes(), Names{"+hello:1.0.0"});
}

TEST_F(WatchTest, DoesNotReadWhatIsRenamedBeforeItIsClosed) {
    const std::string content = bytes();
    std::ofstream writer{in("a.part"), std::ios::binary};
    writer << content.substr(0, 5000) << std::flush;
    fs::rename(in("a.part"), in("a.npk"));
    EXPECT_EQ(look().repository, nullptr);
    writer << content.substr(5000);
    writer.close();
    EXPECT_EQ(changes(), Names{"+hello:1.0.0"});
}

TEST_F(WatchTest, KeepsWhatIsWrittenOverUntilItsWriterIsDone) {
    put("a.npk");
    EXPECT_EQ(changes(), Names{"+hello:1.0.0"});
    const std::string content = bytes("hello", "2.0.0");
    std::ofstream writer{in("a.npk"), std::ios::binary};
    writer << content.substr(0, 5000) << std::flush;
    put("bad.npk", "x");
    EXPECT_EQ(changes(), Names{});
    EXPECT_EQ(listed(), Names{"hello:1.0.0"});
    EXPECT_EQ(refused(), Names{"bad.npk"});
    writer << content.substr(5000);
    writer.close();
    EXPECT_EQ(changes(), (Names{"-hello:1.0.0", "+hello:2.0.0"}));
}

TEST_F(WatchTest, AWriterThatGivesUpLeavesARefusedFile) {
    { std::ofstream{in("a.npk")} << "half"; }
    EXPECT_TRUE(look().difference.any);
    EXPECT_EQ(refused(), Names{"a.npk"});
    fs::remove(in("a.npk"));
    EXPECT_TRUE(look().difference.any);
    EXPECT_EQ(refused(), Names{});
}

TEST_F(WatchTest, DoesNotReadAgainWhatDidNotChange) {
    put("a.npk");
    look();
    const auto before = now_->content.entries.at("hello:1.0.0").package;
    put("b.npk", bytes("other"));
    EXPECT_EQ(changes(), Names{"+other:1.0.0"});
    EXPECT_EQ(now_->content.entries.at("hello:1.0.0").package, before);
}

TEST_F(WatchTest, AnotherModeOrTimeIsNoOtherPackage) {
    put("a.npk");
    look();
    fs::permissions(in("a.npk"), fs::perms::owner_read);
    const Looked looked = look();
    EXPECT_TRUE(looked.difference.any);
    EXPECT_EQ(looked.difference.came, Names{});
    EXPECT_EQ(listed(), Names{"hello:1.0.0"});
}

TEST_F(WatchTest, WhatTheServiceInstallsAndUninstallsIsNotReadAgain) {
    auto changed = std::make_shared<Repository>(*now_);
    installInto(*changed, package());
    now_ = changed;
    EXPECT_EQ(look().repository, nullptr);
    changed = std::make_shared<Repository>(*now_);
    const RepositoryEntry entry = changed->content.entries.at("hello:1.0.0");
    changed->content.entries.clear();
    uninstallPackage(*changed, entry);
    now_ = changed;
    EXPECT_EQ(look().repository, nullptr);
}

TEST_F(WatchTest, LosesNothingInAFlood) {
    std::ifstream limit{"/proc/sys/fs/inotify/max_queued_events"};
    unsigned most = 0;
    if (!(limit >> most) || most > 100'000) GTEST_SKIP() << "the queue of inotify is too long to be filled";
    put("x");
    for (unsigned i = 0; i < most / 2 + 1; ++i) fs::rename(in(i % 2 == 0 ? "x" : "y"), in(i % 2 == 0 ? "y" : "x"));
    put("a.npk");
    EXPECT_EQ(changes(), Names{"+hello:1.0.0"});
    fs::remove(in("a.npk"));
    EXPECT_EQ(changes(), Names{"-hello:1.0.0"});
}

TEST_F(WatchTest, IsEmptyWhileTheDirectoryIsAwayAndReadsItWhenItIsBack) {
    put("a.npk");
    look();
    fs::rename(directory_ / "packages", directory_ / "moved");
    EXPECT_EQ(changes(), Names{"-hello:1.0.0"});
    EXPECT_EQ(look().repository, nullptr);
    fs::rename(directory_ / "moved", directory_ / "packages");
    EXPECT_EQ(changes(), Names{"+hello:1.0.0"});
    fs::remove_all(directory_ / "packages");
    EXPECT_EQ(changes(), Names{"-hello:1.0.0"});
    fs::create_directory(directory_ / "packages");
    look();
    put("b.npk");
    EXPECT_EQ(changes(), Names{"+hello:1.0.0"});
}

// It may have the same inode as before.
TEST_F(WatchTest, ADirectoryThatIsMadeAnewBetweenTwoLooksIsWatched) {
    for (int i = 0; i < 5; ++i) {
        fs::remove_all(directory_ / "packages");
        fs::create_directory(directory_ / "packages");
        look();
        put("a.npk");
        EXPECT_EQ(changes(), Names{"+hello:1.0.0"}) << i;
        fs::remove(in("a.npk"));
        look();
    }
}

TEST_F(WatchTest, WaitsForEachPartOfAPathThatIsMissing) {
    begin(directory_ / "packages/deep/er");
    EXPECT_EQ(look().repository, nullptr);
    fs::create_directory(in("deep"));
    look();
    fs::create_directory(in("deep/er"));
    look();
    put("deep/er/a.npk");
    EXPECT_EQ(changes(), Names{"+hello:1.0.0"});
    fs::rename(in("deep"), in("moved"));
    EXPECT_EQ(changes(), Names{"-hello:1.0.0"});
    fs::rename(in("moved"), in("deep"));
    EXPECT_EQ(changes(), Names{"+hello:1.0.0"});
}

TEST_F(WatchTest, ASymlinkThatLeadsElsewhereIsFollowed) {
    fs::permissions(directory_.path(), fs::perms::owner_all);
    put("a.npk");
    fs::create_directory(directory_ / "new");
    directory_.write("new/b.npk", bytes("other"));
    fs::create_symlink("packages", directory_ / "link");
    begin(directory_ / "link");
    if (!now_->content.problem.empty()) return;  // symlinks count on the root filesystem only
    EXPECT_EQ(listed(), Names{"hello:1.0.0"});
    fs::create_symlink("new", directory_ / "link.next");
    fs::rename(directory_ / "link.next", directory_ / "link");
    EXPECT_EQ(changes(), (Names{"-hello:1.0.0", "+other:1.0.0"}));
    fs::remove(directory_ / "new/b.npk");
    EXPECT_EQ(changes(), Names{"-other:1.0.0"});
}

// A thing in its place is no directory that is gone.
TEST_F(WatchTest, KeepsTheListWhileTheDirectoryCannotBeRead) {
    put("a.npk");
    look();
    fs::rename(directory_ / "packages", directory_ / "moved");
    directory_.write("packages", "");
    EXPECT_EQ(changes(), Names{});
    EXPECT_EQ(listed(), Names{"hello:1.0.0"});
    EXPECT_NE(now_->content.problem, "");
    fs::remove(directory_ / "packages");
    fs::rename(directory_ / "moved", directory_ / "packages");
    EXPECT_EQ(changes(), Names{});
    EXPECT_EQ(now_->content.problem, "");
}

TEST_F(WatchTest, AMountElsewhereIsNoReasonToReadAgain) {
    put("a.npk");
    look();
    EXPECT_EQ(look(true).repository, nullptr);
}

TEST_F(WatchTest, SeesWhatIsMountedOverTheDirectoryWhenItIsAskedTo) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root for mounting";
    put("a.npk");
    look();
    std::thread{[&] {  // a mount namespace of its own, which goes with the thread
        ASSERT_EQ(unshare(CLONE_FS | CLONE_NEWNS), 0);
        // In a chroot "/" is no mount, and who made that gave it a namespace of its own.
        ASSERT_TRUE(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 || errno == EINVAL);
        ASSERT_EQ(mount("none", in("").c_str(), "tmpfs", 0, nullptr), 0);
        EXPECT_EQ(look(true).difference.gone, Names{"hello:1.0.0"});
        put("b.npk", bytes("other"));
        EXPECT_EQ(changes(), Names{"+other:1.0.0"});
        ASSERT_EQ(umount2(in("").c_str(), 0), 0);
        EXPECT_EQ(changes(), (Names{"-other:1.0.0", "+hello:1.0.0"}));
    }}
        .join();
}

// What is done in a process of its own has returned true.
bool inChild(const std::function<bool()>& body) {
    const pid_t child = fork();
    if (child == 0) _exit(body() ? 0 : 1);
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(WatchTest, WithoutAnInstanceItNamesTheLimit) {
    EXPECT_TRUE(inChild([&] {
        const rlimit none{3, 3};
        if (setrlimit(RLIMIT_NOFILE, &none) != 0) return false;
        DirectoryWatch watch{directory_ / "packages"};
        watch.arm();
        return watch.fd() == -1 && watch.failure().find("fs.inotify.max_user_instances") != std::string::npos;
    }));
}

// In a user namespace of its own there is a limit of its own: user_namespaces(7).
TEST_F(WatchTest, WithoutWatchesItNamesTheLimit) {
    EXPECT_TRUE(inChild([&] {
        if (unshare(CLONE_NEWUSER) != 0 || !(std::ofstream{"/proc/sys/user/max_inotify_watches"} << 0 << std::flush)) {
            return true;  // not here
        }
        DirectoryWatch watch{directory_ / "packages"};
        watch.arm();
        return watch.fd() == -1 && watch.failure().find("fs.inotify.max_user_watches") != std::string::npos;
    }));
}

}  // namespace
}  // namespace northstar::test
