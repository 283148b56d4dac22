// SPDX-License-Identifier: Apache-2.0
// Mount points: which paths are accepted, what is made and what is removed again.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/path.h"
#include "system/sandbox.h"

namespace northstar {
namespace {

namespace fs = std::filesystem;

class MountPointTest : public KernelTest {
protected:
    // A directory in which others than root may write.
    std::string openDirectory(const std::string& name, mode_t mode) {
        fs::create_directory(path(name));
        EXPECT_EQ(::chmod(path(name).c_str(), mode), 0);
        return path(name);
    }
    void TearDown() override {
        if (!sandbox().empty()) {
            for (const char* name : {"open", "real", "over"}) fs::remove_all(path(name));
        }
        KernelTest::TearDown();
    }
};

TEST_F(MountPointTest, IsMadeAndRemovedAgain) {
    {
        const auto point = kernel_->makeMountPoint(path("new"));
        EXPECT_TRUE(point->made().isThere());
        EXPECT_EQ(point->path(), path("new"));
        EXPECT_EQ(fs::status(path("new")).permissions(), fs::perms{0755});
    }
    EXPECT_FALSE(fs::exists(path("new")));
}

TEST_F(MountPointTest, StaysWhenKept) {
    kernel_->makeMountPoint(path("new"))->keep();
    EXPECT_TRUE(fs::remove(path("new")));
}

TEST_F(MountPointTest, ThatExistedBeforeStays) {
    fs::create_directory(path("real"));
    EXPECT_FALSE(kernel_->makeMountPoint(path("real"))->made().isThere());
    EXPECT_TRUE(fs::exists(path("real")));
}

TEST_F(MountPointTest, ThatSomebodyReplacedIsNotRemoved) {
    openDirectory("open", 0777);
    {
        const auto point = kernel_->makeMountPoint(path("open/new"));
        fs::rename(path("open/new"), path("open/moved"));
        fs::create_directory(path("open/new"));
    }
    EXPECT_TRUE(fs::exists(path("open/new")));
    EXPECT_TRUE(fs::exists(path("open/moved")));
}

TEST_F(MountPointTest, BelowASymlinkInADirectoryOfOthersIsRefused) {
    fs::create_directory(path("real"));
    for (const mode_t mode : {0777, 01777, 0775}) {
        openDirectory("open", mode);
        fs::create_directory_symlink(path("real"), path("open/link"));
        EXPECT_EQ(errorOf([&] { kernel_->makeMountPoint(path("open/link/new")); }).code(), Code::InvalidArgs) << mode;
        EXPECT_TRUE(fs::is_empty(path("real")));
        fs::remove_all(path("open"));
    }
}

TEST_F(MountPointTest, BelowASymlinkInADirectoryOfAnotherUserIsRefused) {
    fs::create_directory(path("real"));
    openDirectory("open", 0755);
    ASSERT_EQ(::chown(path("open").c_str(), 1000, 1000), 0);
    fs::create_directory_symlink(path("real"), path("open/link"));
    EXPECT_EQ(errorOf([&] { kernel_->makeMountPoint(path("open/link/new")); }).code(), Code::InvalidArgs);
}

// As a package or a removable medium may hold it: a directory of root's on another filesystem than that of "/".
TEST_F(MountPointTest, BelowASymlinkOfAnotherFilesystemIsRefusedWhoeverItBelongsTo) {
    fs::create_directory(path("real"));
    fs::create_directory_symlink("real", path("open"));
    EXPECT_EQ(resolvedParent(path("open/new")), path("open/new"));
    EXPECT_EQ(errorOf([&] { kernel_->makeMountPoint(path("open/new")); }).code(), Code::InvalidArgs);
    EXPECT_TRUE(fs::is_empty(path("real")));
}

TEST_F(MountPointTest, BelowALoopOfSymlinksIsRefused) {
    fs::create_directory_symlink("open", path("open"));
    EXPECT_EQ(errorOf([&] { kernel_->makeMountPoint(path("open/new")); }).code(), Code::InvalidArgs);
}

TEST_F(MountPointTest, ThatIsASymlinkItselfIsRefused) {
    fs::create_directory(path("real"));
    fs::create_directory_symlink(path("real"), path("open"));
    EXPECT_EQ(errorOf([&] { kernel_->makeMountPoint(path("open")); }).code(), Code::InvalidArgs);
    EXPECT_TRUE(fs::is_symlink(path("open")));
}

TEST_F(MountPointTest, ThatIsAFileIsRefused) {
    std::ofstream{path("file")} << "x";
    EXPECT_EQ(errorOf([&] { kernel_->makeMountPoint(path("file")); }).code(), Code::InvalidArgs);
    EXPECT_EQ(errorOf([&] { kernel_->makeMountPoint(path("file/new")); }).code(), Code::InvalidArgs);
    EXPECT_TRUE(fs::is_regular_file(path("file")));
}

TEST_F(MountPointTest, OfNoAbsolutePathIsRefused) {
    for (const std::string& wrong : {std::string{"new"}, std::string{"/"}, path("../new"), path("x/../new")}) {
        EXPECT_EQ(errorOf([&] { kernel_->makeMountPoint(wrong); }).code(), Code::InvalidArgs) << wrong;
    }
}

TEST_F(MountPointTest, InAMissingDirectoryIsRefused) {
    EXPECT_EQ(errorOf([&] { kernel_->makeMountPoint(path("missing/new")); }).code(), Code::InvalidArgs);
    EXPECT_FALSE(fs::exists(path("missing")));
}

TEST_F(MountPointTest, ThatIsMountedOnIsRefused) {
    fs::create_directory(path("over"));
    ASSERT_EQ(::mount("test", path("over").c_str(), "tmpfs", 0, nullptr), 0);
    EXPECT_EQ(errorOf([&] { kernel_->makeMountPoint(path("over")); }).code(), Code::AlreadyMounted);
    EXPECT_EQ(errorOf([&] { kernel_->makeMountPoint(sandbox()); }).code(), Code::AlreadyMounted);
    ASSERT_EQ(::umount(path("over").c_str()), 0);
    EXPECT_TRUE(fs::exists(path("over")));
}

TEST_F(MountPointTest, IsRemovedOnRequestOnlyIfEmptyAndFree) {
    fs::create_directory(path("real"));
    std::ofstream{path("real/file")} << "x";
    kernel_->removeMountPoint(path("real"), MadeDirectory{path("real")});
    EXPECT_TRUE(fs::exists(path("real/file")));
    fs::remove(path("real/file"));
    ASSERT_EQ(::mount("test", path("real").c_str(), "tmpfs", 0, nullptr), 0);
    kernel_->removeMountPoint(path("real"), MadeDirectory{path("real")});
    EXPECT_TRUE(fs::exists(path("real")));
    ASSERT_EQ(::umount(path("real").c_str()), 0);
    kernel_->removeMountPoint(path("real"), MadeDirectory{path("real")});
    EXPECT_FALSE(fs::exists(path("real")));
}

}  // namespace
}  // namespace northstar
