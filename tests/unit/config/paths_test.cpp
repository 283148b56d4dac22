// SPDX-License-Identifier: Apache-2.0
// Directories of the service's own: one spelling, no symlinks of others.
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
    static void refuse(const std::string& path, const std::string& part) {
        expectError(Code::Failed, part, [&] { static_cast<void>(resolveDirectory(path)); });
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
    link(directory_ / "real", "absolute");
    link("real", "relative");
    link("../" + fs::path{directory_.path()}.filename().string() + "/absolute/", "through");
    for (const char* name : {"absolute", "relative", "through"}) {
        EXPECT_EQ(resolveDirectory(directory_ / name + "/x"), directory_ / "real/x") << name;
        EXPECT_EQ(resolveDirectory(directory_ / name), directory_ / "real") << name;
    }
}

TEST_F(PathsTest, OfASymlinkToWhatIsNotThereYetAreWhereItWillBe) {
    link("later", "link");
    EXPECT_EQ(resolveDirectory(directory_ / "link/x"), directory_ / "later/x");
}

TEST_F(PathsTest, OfASymlinkThatOthersMayChangeAreRefused) {
    link("real", "link");
    for (const unsigned mode : {0777U, 0770U, 0707U, 0720U, 0702U}) {
        fs::permissions(directory_.path(), fs::perms{mode});
        refuse(directory_ / "link/x", "symlink");
    }
    EXPECT_EQ(resolveDirectory(directory_ / "real/x"), directory_ / "real/x");
}

TEST_F(PathsTest, OfASymlinkOfAnotherUserAreRefused) {
    link("real", "link");
    if (chown(directory_.path().c_str(), 65534, 65534) != 0) GTEST_SKIP() << "needs the right to give files away";
    refuse(directory_ / "link/x", "symlink");
}

TEST_F(PathsTest, OfSymlinksInACircleAreRefused) {
    link("b", "a");
    link("a", "b");
    refuse(directory_ / "a/x", "too many symlinks");
}

TEST_F(PathsTest, ThroughAFileAreRefused) {
    directory_.write("file", "x");
    refuse(directory_ / "file/x", "not a directory");
}

TEST(Within, IsByComponents) {
    EXPECT_TRUE(isWithin("/a/b", "/a/b"));
    EXPECT_TRUE(isWithin("/a/b/c", "/a/b"));
    EXPECT_FALSE(isWithin("/a/bc", "/a/b"));
    EXPECT_FALSE(isWithin("/a", "/a/b"));
}

}  // namespace
}  // namespace northstar::test
