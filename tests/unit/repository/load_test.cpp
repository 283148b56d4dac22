// SPDX-License-Identifier: Apache-2.0
// Loading a directory: whatever lies in it, the good packages are found, and at once.
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <thread>

#include "repository/catalog.h"
#include "repository/list_limit.h"
#include "support/expect_error.h"
#include "unit/repository/repository_fixture.h"

namespace northstar::test {
namespace {

using Names = std::vector<std::string>;

class LoadTest : public RepositoryFixture {
protected:
    LoadTest() { install(repository(), package()); }
    // The good package is there, and the bad file is refused for that reason.
    void expectRefused(const std::string& file, Code code, const std::string& reason) {
        expectRefused(loaded(), file, code, reason);
    }
    static void expectRefused(const RepositoryContent& content, const std::string& file, Code code,
                              const std::string& reason) {
        EXPECT_EQ(names(content), Names{"hello:1.0.0"});
        ASSERT_TRUE(content.refused.contains(file));
        EXPECT_EQ(content.refused.at(file).error.code(), code);
        EXPECT_NE(std::string{content.refused.at(file).error.what()}.find(reason), std::string::npos)
            << content.refused.at(file).error.what();
    }
    const std::string bad_ = directory_ / "bad.npk";
};

TEST_F(LoadTest, SkipsAnEmptyFile) {
    directory_.write("bad.npk", "");
    expectRefused("bad.npk", Code::InvalidPackage, "bad.npk");
}

TEST_F(LoadTest, SkipsAFileOfSomethingElse) {
    directory_.write("bad.npk", std::string(100'000, 'x'));
    expectRefused("bad.npk", Code::InvalidPackage, "bad.npk");
}

TEST_F(LoadTest, SkipsAHugeHole) {
    directory_.write("bad.npk", "x");
    ASSERT_EQ(truncate(bad_.c_str(), off_t{1} << 43), 0);  // 8 TiB
    expectRefused("bad.npk", Code::InvalidPackage, "bad.npk");
}

TEST_F(LoadTest, SkipsADirectory) {
    std::filesystem::create_directory(bad_);
    expectRefused("bad.npk", Code::InvalidPackage, "directory");
}

TEST_F(LoadTest, SkipsASymlinkEvenToAGoodPackage) {
    std::filesystem::create_symlink(directory_ / "hello-1.0.0.npk", bad_);
    expectRefused("bad.npk", Code::InvalidPackage, "symlink");
}

TEST_F(LoadTest, SkipsAFifoWithoutWaitingForItsWriter) {
    ASSERT_EQ(mkfifo(bad_.c_str(), 0600), 0);
    expectRefused("bad.npk", Code::InvalidPackage, "no regular file");
}

TEST_F(LoadTest, SkipsASocket) {
    const UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{AF_UNIX, {}};
    ASSERT_LT(bad_.size(), sizeof address.sun_path);
    bad_.copy(address.sun_path, bad_.size());
    ASSERT_EQ(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    expectRefused("bad.npk", Code::InvalidPackage, "no regular file");
}

TEST_F(LoadTest, DoesNotOpenADevice) {
    if (mknod(bad_.c_str(), S_IFCHR | 0600, makedev(10, 130)) != 0) {  // a watchdog: opening it would start it
        GTEST_SKIP() << "needs the right to make device nodes";
    }
    expectRefused("bad.npk", Code::InvalidPackage, "no regular file");
}

// While it lives, modes of files hold for this thread even if it is root's. It still owns what it owned, so unlike
// another user it can enter every directory on the way, wherever that lies.
class BoundByModes {
public:
    BoundByModes() {
        change(SYS_capget, before_);
        auto fewer = before_;
        fewer[0].effective &= ~(1U << CAP_DAC_OVERRIDE | 1U << CAP_DAC_READ_SEARCH);
        change(SYS_capset, fewer);
    }
    ~BoundByModes() {
        try {
            change(SYS_capset, before_);
        } catch (const std::exception& error) {
            ADD_FAILURE() << error.what();
        }
    }
    BoundByModes(const BoundByModes&) = delete;
    BoundByModes& operator=(const BoundByModes&) = delete;

private:
    using Sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;
    static void change(long call, Sets& sets) {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        if (syscall(call, &header, sets.data()) != 0) throw std::system_error{errno, std::generic_category(), "capset"};
    }
    Sets before_{};
};

TEST_F(LoadTest, SkipsAFileThatItMayNotRead) {
    directory_.write("bad.npk", "x");
    std::filesystem::permissions(bad_, std::filesystem::perms::none);
    const Repository target = repository();
    const auto content = [&] {
        const BoundByModes bound;
        return loadDirectory(target.name, target.config, target.keys, {});
    }();
    expectRefused(content, "bad.npk", Code::InvalidPackage, "EACCES");
}

TEST_F(LoadTest, SkipsAPackageOfAnotherKey) {
    const MemoryFile file = package("other", "1.0.0", "stranger");
    directory_.write("bad.npk", contentOf(file.fd(), 0, file.size()));
    expectRefused("bad.npk", Code::InvalidSignature, "bad.npk");
}

// Who may write to the directory could make parsing take seconds.
TEST_F(LoadTest, TakesNoNameFromWhatNobodySigned) {
    const MemoryFile file = package("other", "1.0.0", "stranger");
    directory_.write("bad.npk", contentOf(file.fd(), 0, file.size()));
    Repository some = repository();
    some.content = loaded();
    Catalog catalog;
    catalog.set(std::make_shared<const Repository>(std::move(some)));
    expectError(Code::InvalidSignature, "bad.npk", [&] { static_cast<void>(catalog.find("bad", "")); });
    expectError(Code::NoSuchContainer, "no container", [&] { static_cast<void>(catalog.find("other:1.0.0", "")); });
}

TEST_F(LoadTest, ReadsNoFileTwice) {
    for (int i = 0; i < 3; ++i) {
        std::filesystem::create_hard_link(directory_ / "hello-1.0.0.npk",
                                          directory_ / ("z" + std::to_string(i) + ".npk"));
    }
    expectRefused("z0.npk", Code::InvalidPackage, "the same file as hello-1.0.0.npk");
    expectRefused("z2.npk", Code::InvalidPackage, "the same file as hello-1.0.0.npk");
}

TEST_F(LoadTest, LeavesHiddenFilesAlone) {
    directory_.write(".hello-1.0.0.npk.a1B2c3", "");
    directory_.write(".bad.npk", "");
    EXPECT_EQ(names(loaded()), Names{"hello:1.0.0"});
    EXPECT_TRUE(loaded().refused.empty());
}

TEST_F(LoadTest, SkipsAContainerThatCannotBeMountedUnderItsName) {
    for (const std::size_t length : {249U, 250U}) {  // with ":1.0.0": 255 and 256
        const MemoryFile file = package(std::string(length, 'x'));
        directory_.write("bad.npk", contentOf(file.fd(), 0, file.size()));
        EXPECT_EQ(loaded().entries.size(), length == 249 ? 2U : 1U);
    }
    expectRefused("bad.npk", Code::InvalidPackage, "256 bytes");
}

TEST_F(LoadTest, SkipsWhatIsMountedOverAFile) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root for mounting";
    const MemoryFile file = package("other");
    const std::string other = directory_.write("other", contentOf(file.fd(), 0, file.size()));
    directory_.write("bad.npk", "");
    RepositoryContent content;
    std::thread{[&] {  // a mount namespace of its own, which goes with the thread
        ASSERT_EQ(unshare(CLONE_FS | CLONE_NEWNS), 0);
        // In a chroot "/" is no mount, and who made that gave it a namespace of its own.
        ASSERT_TRUE(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 || errno == EINVAL);
        ASSERT_EQ(mount(other.c_str(), bad_.c_str(), nullptr, MS_BIND, nullptr), 0);
        content = loaded();
    }}
        .join();
    expectRefused(content, "bad.npk", Code::InvalidPackage, "mounted over");
}

TEST_F(LoadTest, KeepsWhatItHadIfTheDirectoryCannotBeRead) {
    const Repository target = repository();
    const RepositoryContent before = loaded();
    std::string problem;
    const auto reload = [&] {
        const RepositoryContent now = loadDirectory("test", target.config, target.keys, before);
        problem = now.problem;
        return names(now);
    };
    std::filesystem::permissions(directory_.path(), std::filesystem::perms::none);
    {
        const BoundByModes bound;
        EXPECT_EQ(reload(), Names{"hello:1.0.0"});
    }
    EXPECT_NE(problem.find("keeps the 1 containers that it had: Cannot open"), std::string::npos) << problem;
    std::filesystem::permissions(directory_.path(), std::filesystem::perms::owner_all);
    std::filesystem::rename(directory_.path(), directory_.path() + "-moved");
    EXPECT_EQ(reload(), Names{});
    std::filesystem::rename(directory_.path() + "-moved", directory_.path());
}

TEST_F(LoadTest, IsEmptyWhereThereIsNoDirectory) {
    RepositoryConfig config;
    for (const std::string& path : {std::string{"/nowhere/packages"}, directory_ / "hello-1.0.0.npk"}) {
        config.dir = path;
        EXPECT_TRUE(loadDirectory("test", config, keyRing({"golden"}), {}).entries.empty());
    }
}

TEST_F(LoadTest, TakesWhatEitherOfTwoKeysSigned) {
    const Repository both = repository(RepositoryType::Directory, {"golden", "stranger"});
    install(both, package("new", "1.0.0", "stranger"));
    EXPECT_EQ(names(loadDirectory("test", both.config, both.keys, {})), (Names{"hello:1.0.0", "new:1.0.0"}));
    const KeyRing rotated = keyRing({"stranger"});
    const RepositoryContent content = loadDirectory("test", both.config, rotated, {});
    EXPECT_EQ(names(content), Names{"new:1.0.0"});
    EXPECT_EQ(content.refused.at("hello-1.0.0.npk").error.code(), Code::InvalidSignature);
}

TEST_F(LoadTest, HoldsNoDescriptorOfAPackage) {
    const Repository target = repository();
    const RepositoryContent content = loaded();
    const RepositoryEntry& entry = content.entries.at("hello:1.0.0");
    EXPECT_FALSE(entry.package->fd);
    EXPECT_TRUE(refresh(target.config, target.keys, "hello:1.0.0", entry).package->fd);
    EXPECT_FALSE(install(target, package("other")).entry.package->fd);
}

TEST_F(LoadTest, TakesMorePackagesThanAProcessCanHaveOpen) {
    constexpr std::size_t kPackages = 2000;
    for (std::size_t i = 0; i < kPackages; ++i) {
        const std::string name = "many" + std::to_string(i);
        const MemoryFile file = package(name);
        directory_.write(name + ".npk", contentOf(file.fd(), 0, file.size()));
    }
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit few{256, before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    const RepositoryContent content = loaded();
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(content.entries.size(), kPackages + 1);
    EXPECT_TRUE(content.refused.empty());
}

TEST_F(LoadTest, TakesTheSecondOfTwoOnceTheFirstIsGone) {
    const Repository target = repository();
    const MemoryFile file = package();
    directory_.write("second.npk", contentOf(file.fd(), 0, file.size()));
    const RepositoryContent before = loaded();
    EXPECT_EQ(before.entries.at("hello:1.0.0").file, "hello-1.0.0.npk");
    EXPECT_TRUE(before.refused.contains("second.npk"));
    std::filesystem::remove(directory_ / "hello-1.0.0.npk");
    const RepositoryContent after = loadDirectory("test", target.config, target.keys, before);
    EXPECT_EQ(after.entries.at("hello:1.0.0").file, "second.npk");
}

TEST_F(LoadTest, RefusesWhatIsMoreThanCanBeListed) {
    install(repository(), package("a"));
    install(repository(), package("z"));
    RepositoryContent content = loaded();
    refuseBeyond(content, "test", 3);
    EXPECT_EQ(content.entries.size(), 3U);
    refuseBeyond(content, "test", 1);
    EXPECT_EQ(names(content), Names{"a:1.0.0"});
    EXPECT_EQ(content.refused.at("hello-1.0.0.npk").error.code(), Code::CapacityExceeded);
    EXPECT_EQ(content.refused.at("z-1.0.0.npk").error.code(), Code::CapacityExceeded);
}

TEST_F(LoadTest, TakesOverWhatDidNotChangeAndReadsWhatDid) {
    const Repository target = repository();
    install(target, package("other"));
    const RepositoryContent before = loaded();
    std::filesystem::last_write_time(directory_ / "other-1.0.0.npk", std::filesystem::file_time_type::clock::now());
    const RepositoryContent after = loadDirectory("test", target.config, target.keys, before);
    EXPECT_EQ(after.entries.at("hello:1.0.0").package, before.entries.at("hello:1.0.0").package);
    EXPECT_NE(after.entries.at("other:1.0.0").package, before.entries.at("other:1.0.0").package);
}

}  // namespace
}  // namespace northstar::test
