// SPDX-License-Identifier: Apache-2.0
// Waiting for a callback that is called now, later, or not at all because the start failed.
#include "async/callback.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "run.h"

namespace northstar::test {
namespace {

Task<int> number(std::function<void(Callback<int>::Complete)> start) {
    Callback<int> callback{std::move(start)};
    co_return co_await callback;
}

Task<> nothing(std::function<void(Callback<void>::Complete)> start) {
    Callback<void> callback{std::move(start)};
    co_await callback;
}

Task<std::unique_ptr<int>> moveOnly(EventLoop& loop) {
    Callback<std::unique_ptr<int>> callback{[&](const Callback<std::unique_ptr<int>>::Complete& complete) {
        loop.post([complete] { complete(std::make_unique<int>(4)); });
    }};
    co_return co_await callback;
}

TEST(Callback, CompletedAtOnceDoesNotWait) {
    EventLoop loop;
    const auto start = [](const Callback<int>::Complete& complete) { complete(3); };
    EXPECT_EQ(run(loop, number(start)), 3);
    int started = 0;
    run(loop, nothing([&](const Callback<void>::Complete& complete) {
            ++started;
            complete();
        }));
    EXPECT_EQ(started, 1);
}

TEST(Callback, CompletedLaterGoesOnThen) {
    EventLoop loop;
    const auto start = [&](const Callback<int>::Complete& complete) { loop.post([complete] { complete(3); }); };
    EXPECT_EQ(run(loop, number(start)), 3);
    run(loop, nothing([&](const Callback<void>::Complete& complete) { loop.post(complete); }));
}

TEST(Callback, PassesOnWhatCanOnlyBeMoved) {
    EventLoop loop;
    EXPECT_EQ(*run(loop, moveOnly(loop)), 4);
}

TEST(Callback, ThrowsWhatTheStartThrows) {
    EventLoop loop;
    const auto start = [](const auto&) { throw std::runtime_error{"cannot start"}; };
    EXPECT_THROW(run(loop, number(start)), std::runtime_error);
    EXPECT_THROW(run(loop, nothing(start)), std::runtime_error);
}

Task<int> many(int count) {
    int total = 0;
    for (int i = 0; i < count; ++i) {
        Callback<int> callback{[](const Callback<int>::Complete& complete) { complete(1); }};
        total += co_await callback;
    }
    co_return total;
}

TEST(Callback, ALoopOfThoseCompletedAtOnceNeedsNoStack) {
    EventLoop loop;
    EXPECT_EQ(run(loop, many(300'000)), 300'000);
}

}  // namespace
}  // namespace northstar::test
