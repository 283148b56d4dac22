// SPDX-License-Identifier: Apache-2.0
// The worker pool: order for one key, nothing to wait for between keys, nothing lost at the end.
#include "async/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace northstar::test {
namespace {

TEST(Executor, JobsOfOneKeyRunInTheOrderSubmitted) {
    std::vector<int> order;  // no lock: never two at once
    {
        Executor executor{4};
        for (int i = 0; i < 200; ++i) executor.submit("key", [&order, i] { order.push_back(i); });
    }
    ASSERT_EQ(order.size(), 200U);
    for (int i = 0; i < 200; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(Executor, OtherKeysDoNotWait) {
    Executor executor{2};
    std::promise<void> release, ran;
    executor.submit("slow", [gate = release.get_future().share()] { gate.wait(); });
    executor.submit("slow", [] {});  // must not take the second worker
    executor.submit("other", [&ran] { ran.set_value(); });
    EXPECT_EQ(ran.get_future().wait_for(std::chrono::seconds{5}), std::future_status::ready);
    release.set_value();
}

TEST(Executor, AnEmptyKeyOrdersNothing) {
    Executor executor{2};
    std::promise<void> release, ran;
    executor.submit("", [gate = release.get_future().share()] { gate.wait(); });
    executor.submit("", [&ran] { ran.set_value(); });
    EXPECT_EQ(ran.get_future().wait_for(std::chrono::seconds{5}), std::future_status::ready);
    release.set_value();
}

TEST(Executor, TheDestructorRunsWhatIsQueued) {
    std::atomic<int> done = 0;
    {
        Executor executor{1};
        for (int i = 0; i < 50; ++i) executor.submit(i % 2 == 0 ? "a" : "", [&done] { ++done; });
    }
    EXPECT_EQ(done, 50);
}

TEST(Executor, ZeroThreadsMeansSome) {
    std::promise<void> ran;
    Executor executor{0};
    executor.submit("", [&ran] { ran.set_value(); });
    EXPECT_EQ(ran.get_future().wait_for(std::chrono::seconds{5}), std::future_status::ready);
}

}  // namespace
}  // namespace northstar::test
