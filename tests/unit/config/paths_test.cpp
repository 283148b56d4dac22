// SPDX-License-Identifier: Apache-2.0
// Directories of the service's own: one spelling, no symlinks of others. A directory of the test stands for "/", as a
// symlink counts only on the root filesystem.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "config/value.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace northstar::test {
namespace {

namespace fs = std::filesystem;

class PathsTest : public testing::Test {
protected:
    PathsTest() { fs::create_directory(directory_ / "real"); }
    [[nodiscard]] std::string resolve(const std::string& path) const {
        return resolveDirectory(path, directory_.path());
    }
    void refuse(const std::string& path, const std::string& part) const {
        expectError(Code::Failed, part, [&] { static_cast<void>(resolve(path)); });
    }
    void link(const std::string& target, const std::string& name) {
        fs::create_directory_symlink(target, directory_ / name);
    }
    TemporaryDirectory directory_;
};

TEST_F(PathsTest, HaveOneSpelling) {
    const std::string wanted = directory_ / "real/a/b";
    for (const char* written : {"real/a/b", "real//a/b", "real/a/b/", "real/./a/./b//", "./real/a/b/."}) {
        EXPECT_EQ(resolveDirectory(directory_ / written), wanted) << written;
    }
    EXPECT_EQ(resolveDirectory("/" + wanted), wanted);
}

TEST_F(PathsTest, MustBeAbsoluteBelowTheRootAndGoDown) {
    refuse("relative", "absolute");
    refuse("", "absolute");
    refuse("/", "below /");
    refuse("//.//", "below /");
    refuse("/a/../b", "..");
    refuse("/..", "..");
    refuse(std::string{"/a\nb"}, "control");
    refuse("/" + std::string(5000, 'a'), "too long");
}

TEST_F(PathsTest, OfASymlinkThatOnlyWeMayChangeAreWhereItLeads) {
    link("/real", "absolute");
    link("real", "relative");
    link("real/../absolute/", "through");
    for (const char* name : {"/absolute", "/relative", "/through"}) {
        EXPECT_EQ(resolve(name + std::string{"/x"}), "/real/x") << name;
        EXPECT_EQ(resolve(name), "/real") << name;
    }
}

TEST_F(PathsTest, OfASymlinkToWhatIsNotThereYetAreWhereItWillBe) {
    link("later", "link");
    EXPECT_EQ(resolve("/link/x"), "/later/x");
    link("later/../real", "back");
    refuse("/back/x", "does not exist");
}

TEST_F(PathsTest, OfASymlinkThatOthersMayChangeAreRefused) {
    link("real", "link");
    for (const unsigned mode : {0777U, 0770U, 0707U, 0720U, 0702U}) {
        fs::permissions(directory_.path(), fs::perms{mode});
        refuse("/link/x", "symlink");
    }
    EXPECT_EQ(resolve("/real/x"), "/real/x");
}

TEST_F(PathsTest, OfASymlinkOfAnotherUserAreRefused) {
    link("real", "link");
    if (chown(directory_.path().c_str(), 65534, 65534) != 0) GTEST_SKIP() << "needs the right to give files away";
    refuse("/link/x", "symlink");
}

TEST_F(PathsTest, OfSymlinksInACircleAreRefused) {
    link("b", "a");
    link("a", "b");
    refuse("/a/x", "too many symlinks");
}

TEST_F(PathsTest, ThroughAFileAreRefused) {
    directory_.write("file", "x");
    refuse("/file/x", "not a directory");
}

// /proc is another filesystem whose directories say that they are root's, as those of a package or of FUSE can.
TEST(Foreign, SymlinksOfAnotherFilesystemAreRefused) {
    for (const char* path : {"/proc/self/x", "/proc/mounts/x"}) {
        expectError(Code::Failed, "symlink", [&] { static_cast<void>(resolveDirectory(path)); });
    }
}

TEST(Within, IsByComponents) {
    EXPECT_TRUE(isWithin("/a/b", "/a/b"));
    EXPECT_TRUE(isWithin("/a/b/c", "/a/b"));
    EXPECT_FALSE(isWithin("/a/bc", "/a/b"));
    EXPECT_FALSE(isWithin("/a", "/a/b"));
}

}  // namespace
}  // namespace northstar::test
