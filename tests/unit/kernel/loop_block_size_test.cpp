// SPDX-License-Identifier: Apache-2.0
// The logical block size of a loop device.
#include <gtest/gtest.h>

#include "kernel/linux/loop_device.h"

namespace northstar {
namespace {

TEST(LoopBlockSize, IsTheLargestThatOffsetAndSizeAllow) {
    EXPECT_EQ(loopBlockSize({4096, 8192}), 4096U);
    EXPECT_EQ(loopBlockSize({65536, 65536}), 4096U);
    EXPECT_EQ(loopBlockSize({2048, 8192}), 2048U);
    EXPECT_EQ(loopBlockSize({4096, 5120}), 1024U);
    EXPECT_EQ(loopBlockSize({512, 4096}), 512U);
    EXPECT_EQ(loopBlockSize({0, 4096}), 4096U);
}

TEST(LoopBlockSize, IsASectorIfNoneFits) { EXPECT_EQ(loopBlockSize({4096, 4097}), 512U); }

}  // namespace
}  // namespace northstar
