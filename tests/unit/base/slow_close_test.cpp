// SPDX-License-Identifier: Apache-2.0
// Files that take long to close: how many threads wait for them.
#include "base/slow_close.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <thread>

#include "support/lingering_socket.h"

namespace northstar::test {
namespace {

std::size_t threads() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{"/proc/self/task"}, {}));
}

TEST(SlowClose, AUserHasEightThreadsAtMostAndKeepsNobodyElseWaiting) {
    constexpr uid_t kSlow = 12345, kOther = 12346;
    std::vector<LingeringSocket> sockets;
    for (std::size_t i = 0; i < 2 * SlowClose::kThreads; ++i) sockets.emplace_back(1);
    std::thread{[] {}}.join();  // ThreadSanitizer starts one of its own beside the first
    const std::size_t before = threads();
    const auto begin = std::chrono::steady_clock::now();
    for (auto& socket : sockets) SlowClose::instance().close(socket.release(), kSlow);
    EXPECT_EQ(threads(), before + SlowClose::kThreads);
    SlowClose::instance().close(LingeringSocket{0}.release(), kOther);
    EXPECT_EQ(threads(), before + SlowClose::kThreads + 1);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds{900});
}

}  // namespace
}  // namespace northstar::test
