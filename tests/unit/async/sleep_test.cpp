// SPDX-License-Identifier: Apache-2.0
// Sleeping: not too short, beside others, in the order of time.
#include <gtest/gtest.h>

#include <vector>

#include "async/callback.h"
#include "async/when_all.h"
#include "run.h"

namespace northstar::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

Task<> note(EventLoop& loop, std::chrono::milliseconds delay, std::vector<int>& order, int number) {
    co_await sleep(loop, delay);
    order.push_back(number);
}

TEST(Sleep, LastsAtLeastThatLong) {
    EventLoop loop;
    const auto begin = Clock::now();
    run(loop, sleep(loop, 20ms));
    EXPECT_GE(Clock::now() - begin, 20ms);
}

TEST(Sleep, OfNoTimeEndsInATurnOfTheLoop) {
    EventLoop loop;
    std::vector<int> order;
    Scope scope;
    scope.spawn(note(loop, 0ms, order, 1));
    EXPECT_TRUE(order.empty());
    loop.runOnce();
    EXPECT_EQ(order, std::vector{1});
}

TEST(Sleep, SleepersWakeInTheOrderOfTime) {
    EventLoop loop;
    std::vector<int> order;
    std::vector<Task<>> tasks;
    tasks.push_back(note(loop, 60ms, order, 3));
    tasks.push_back(note(loop, 1ms, order, 1));
    tasks.push_back(note(loop, 30ms, order, 2));
    run(loop, whenAll(std::move(tasks)));
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

}  // namespace
}  // namespace northstar::test
