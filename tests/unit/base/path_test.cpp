// SPDX-License-Identifier: Apache-2.0
// What is in a directory, and where a path leads.
#include "base/path.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace northstar::test {
namespace {

// Of a directory, until its reading fails; negative: it does not.
thread_local int entriesLeft = -1;

}  // namespace
}  // namespace northstar::test

// In the place of the C library's in the whole program: ld.so(8), the program's symbols come first.
extern "C" dirent* readdir(DIR* stream) {
    // The name that this function has with 64-bit offsets: feature_test_macros(7), _FILE_OFFSET_BITS.
    static const auto own = reinterpret_cast<dirent* (*)(DIR*)>(dlsym(RTLD_NEXT, "readdir64"));
    if (northstar::test::entriesLeft == 0) {
        errno = EIO;
        return nullptr;
    }
    if (northstar::test::entriesLeft > 0) --northstar::test::entriesLeft;
    return own(stream);
}

namespace northstar::test {
namespace {

TEST(NamesIn, AreAllButTheDirectoryAndItsParentEachTime) {
    const TemporaryDirectory directory;
    for (const char* name : {"a", ".hidden", "..."}) directory.write(name, "");
    const UniqueFd place{open(directory.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    for (int i = 0; i < 2; ++i) {
        auto names = namesIn(place.get(), directory.path());
        std::ranges::sort(names);
        EXPECT_EQ(names, (std::vector<std::string>{"...", ".hidden", "a"}));
    }
}

TEST(NamesIn, OfADirectoryThatCannotBeReadToItsEndIsAnError) {
    const TemporaryDirectory directory;
    for (const char* name : {"a", "b", "c"}) directory.write(name, "");
    const UniqueFd place{open(directory.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    entriesLeft = 2;
    expectError(Code::Failed, "EIO", [&] { static_cast<void>(namesIn(place.get(), "/x")); });
    entriesLeft = -1;
}

TEST(NamesIn, OfWhatIsNoDirectoryIsAnErrorThatNamesIt) {
    const TemporaryDirectory directory;
    const UniqueFd file{open(directory.write("file", "").c_str(), O_RDONLY | O_CLOEXEC)};
    expectError(Code::Failed, "Cannot read the directory /x", [&] { static_cast<void>(namesIn(file.get(), "/x")); });
}

class ResolvedParentTest : public testing::Test {
protected:
    void link(const std::string& target, const std::string& name) {
        ASSERT_EQ(symlink(target.c_str(), (root_ / name).c_str()), 0);
    }
    void directory(const std::string& name, mode_t mode) {
        ASSERT_EQ(mkdir((root_ / name).c_str(), mode), 0);
        ASSERT_EQ(chmod((root_ / name).c_str(), mode), 0);
    }
    [[nodiscard]] std::string resolve(const std::string& path) const { return resolvedParent(path, root_.path()); }
    TemporaryDirectory root_;
};

TEST_F(ResolvedParentTest, IsWhereRootsSymlinksLead) {
    if (geteuid() != 0) GTEST_SKIP() << "needs a directory of root's";
    directory("real", 0755);
    link("real", "link");
    link("/none/x", "later");
    link("a", "real/leaf");
    EXPECT_EQ(resolve("/link/a"), "/real/a");
    EXPECT_EQ(resolve("/link/leaf"), "/real/leaf");  // the last one stays: it may not be a symlink at all
    EXPECT_EQ(resolve("/later/y"), "/none/x/y");
    EXPECT_EQ(resolve("/none/y"), "/none/y");
}

TEST_F(ResolvedParentTest, OfOthersSymlinksStaysAsItIs) {
    directory("real", 0755);
    directory("open", 0777);
    link("/real", "open/link");
    EXPECT_EQ(resolve("/open/link/a"), "/open/link/a");
}

TEST(ResolvedParent, FollowsNothingOfAnotherFilesystem) {
    EXPECT_EQ(resolvedParent("/proc/self/cwd/a"), "/proc/self/cwd/a");
    EXPECT_EQ(resolvedParent("/proc/mounts/a"), "/proc/mounts/a");
}

}  // namespace
}  // namespace northstar::test
