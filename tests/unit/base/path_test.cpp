// SPDX-License-Identifier: Apache-2.0
// What is in a directory.
#include "base/path.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"

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

TEST(NamesIn, OfWhatIsNoDirectoryIsAnErrorThatNamesIt) {
    const TemporaryDirectory directory;
    const UniqueFd file{open(directory.write("file", "").c_str(), O_RDONLY | O_CLOEXEC)};
    expectError(Code::Failed, "Cannot read the directory /x", [&] { static_cast<void>(namesIn(file.get(), "/x")); });
}

}  // namespace
}  // namespace northstar::test
