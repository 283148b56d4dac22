// SPDX-License-Identifier: Apache-2.0
// Loading a directory: whatever lies in it, the good packages are found, and at once.
#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

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
        const RepositoryContent content = loaded();
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

TEST_F(LoadTest, SkipsAFileThatItMayNotRead) {
    directory_.write("bad.npk", "x");
    std::filesystem::permissions(bad_, std::filesystem::perms::none);
    std::filesystem::permissions(directory_.path(), std::filesystem::perms{0755});
    const auto before = setfsuid(getuid() == 0 ? 65534 : getuid());  // root may read all
    expectRefused("bad.npk", Code::InvalidPackage, "EACCES");
    setfsuid(static_cast<uid_t>(before));
}

TEST_F(LoadTest, SkipsADamagedPackageAndNamesItsContainer) {
    PackageSpec spec;
    spec.manifest = "name: other\nversion: 1.0.0\nuid: 1000\ngid: 1000\n";
    spec.key = "stranger";
    const MemoryFile file = buildPackage(spec);
    directory_.write("bad.npk", contentOf(file.fd(), 0, file.size()));
    expectRefused("bad.npk", Code::InvalidSignature, "bad.npk");
    EXPECT_EQ(loaded().refused.at("bad.npk").claimed, "other:1.0.0");
}

TEST_F(LoadTest, NamesWhatCannotBeReadByItsFile) {
    directory_.write("some-thing-2.0.0.npk", "no archive");
    EXPECT_EQ(loaded().refused.at("some-thing-2.0.0.npk").claimed, "some-thing:2.0.0");
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
