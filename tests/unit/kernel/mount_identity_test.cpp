// SPDX-License-Identifier: Apache-2.0
// When two mounts are the same one.
#include <gtest/gtest.h>

#include "kernel/mount.h"

namespace northstar {
namespace {

constexpr MountIdentity identity(std::uint64_t id, std::uint64_t uniqueId, dev_t device) {
    return {id, uniqueId, device};
}

TEST(MountIdentity, IsTheUniqueNumberWhereThereIsOne) {
    EXPECT_TRUE(isSameMount(identity(36, 1000, 7), identity(36, 1000, 7)));
    EXPECT_FALSE(isSameMount(identity(36, 1000, 7), identity(36, 1001, 7)));  // the kernel has used 36 again
}

TEST(MountIdentity, IsNumberAndDeviceElse) {
    EXPECT_TRUE(isSameMount(identity(36, 0, 7), identity(36, 0, 7)));
    EXPECT_TRUE(isSameMount(identity(36, 0, 7), identity(36, 1000, 7)));
    EXPECT_FALSE(isSameMount(identity(36, 0, 7), identity(36, 0, 8)));
    EXPECT_FALSE(isSameMount(identity(36, 0, 7), identity(37, 0, 7)));
}

// Of a mount on a kernel without fsmount(2), saved before it was attached, the number is not known.
TEST(MountIdentity, IsTheDeviceIfNoNumberIsKnown) {
    EXPECT_TRUE(isSameMount(identity(0, 0, 7), identity(36, 1000, 7)));
    EXPECT_FALSE(isSameMount(identity(0, 0, 7), identity(36, 1000, 8)));
}

}  // namespace
}  // namespace northstar
