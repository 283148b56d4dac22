// SPDX-License-Identifier: Apache-2.0
// What is in a directory.
#include "base/path.h"

#include <dirent.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace northstar::test
