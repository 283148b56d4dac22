// SPDX-License-Identifier: Apache-2.0
// Which texts are mount point paths at all.
#include <gtest/gtest.h>

#include "base/error.h"
#include "kernel/linux/mount_point.h"

namespace northstar {
namespace {

TEST(MountPointPath, IsSplitAtSlashes) {
    EXPECT_EQ(splitPath("/run/northstar/hello:1.0.0"), (std::deque<std::string>{"run", "northstar", "hello:1.0.0"}));
    EXPECT_EQ(splitPath("//run///x/"), (std::deque<std::string>{"run", "x"}));
    EXPECT_EQ(splitPath("/.x/..y/..."), (std::deque<std::string>{".x", "..y", "..."}));
}

TEST(MountPointPath, RefusesWhatIsNoPlaceOfItsOwn) {
    using namespace std::string_literals;
    for (const std::string& path : {""s, "/"s, "///"s, "run"s, "./run"s, "/run/../etc"s, "/run/.."s, "/run/./x"s,
                                    "/a\0b"s, "/"s + std::string(256, 'x'), "/x"s + std::string(4094, '/') + "y"s}) {
        try {
            static_cast<void>(splitPath(path));
            ADD_FAILURE() << "accepted: " << path;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), Code::InvalidArgs);
        }
    }
}

}  // namespace
}  // namespace northstar
