// SPDX-License-Identifier: Apache-2.0
// Tasks: lazy, awaited once, they pass on values and errors, and free what they hold.
#include "async/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "run.h"

namespace northstar::test {
namespace {

Task<> append(std::vector<int>& order, int value) {
    order.push_back(value);
    co_return;
}

Task<int> answer() { co_return 42; }

Task<std::unique_ptr<int>> moveOnly(std::unique_ptr<int> value) { co_return value; }

Task<> hold(std::shared_ptr<int> value) {
    *value += 1;
    co_return;
}

Task<int> fail(EventLoop* loop) {
    if (loop != nullptr) {
        Task<> turn = nextTurn(*loop);
        co_await turn;
    }
    throw std::runtime_error{"no value"};
}

Task<std::string> sum(EventLoop& loop, std::string first, std::string second) {
    co_await nextTurn(loop);
    co_return first + second;
}

TEST(Task, RunsNothingBeforeItIsAwaited) {
    EventLoop loop;
    std::vector<int> order;
    Task<> task = append(order, 1);
    EXPECT_TRUE(order.empty());
    run(loop, std::move(task));
    EXPECT_EQ(order, std::vector{1});
}

TEST(Task, ThatWasNeverAwaitedFreesItsParameters) {
    const auto value = std::make_shared<int>(0);
    { const Task<> task = hold(value); }
    EXPECT_EQ(value.use_count(), 1);
    EXPECT_EQ(*value, 0);
}

TEST(Task, ThatHasEndedFreesItsParameters) {
    EventLoop loop;
    const auto value = std::make_shared<int>(0);
    run(loop, hold(value));
    EXPECT_EQ(value.use_count(), 1);
    EXPECT_EQ(*value, 1);
}

TEST(Task, YieldsItsValue) {
    EventLoop loop;
    EXPECT_EQ(run(loop, answer()), 42);
    EXPECT_EQ(run(loop, sum(loop, "short", std::string(100, 'x'))), "short" + std::string(100, 'x'));
}

TEST(Task, YieldsWhatCanOnlyBeMoved) {
    EventLoop loop;
    EXPECT_EQ(*run(loop, moveOnly(std::make_unique<int>(7))), 7);
}

TEST(Task, ThrowsBeforeAndAfterItHasWaited) {
    EventLoop loop;
    EXPECT_THROW(run(loop, fail(nullptr)), std::runtime_error);
    EXPECT_THROW(run(loop, fail(&loop)), std::runtime_error);
}

Task<int> recover(EventLoop* loop, std::shared_ptr<int> held) {
    try {
        co_return co_await fail(loop);
    } catch (const std::runtime_error& error) {
        co_return std::string{error.what()} == "no value" ? *held : 0;
    }
}

TEST(Task, AnErrorIsCaughtWhereItIsAwaited) {
    EventLoop loop;
    const auto held = std::make_shared<int>(5);
    EXPECT_EQ(run(loop, recover(nullptr, held)), 5);
    EXPECT_EQ(run(loop, recover(&loop, held)), 5);
    EXPECT_EQ(held.use_count(), 1);
}

Task<> failWith(EventLoop* loop, std::shared_ptr<int> first) {
    const auto second = first;
    const int value = co_await fail(loop);
    *second = value;
}

TEST(Task, AnErrorThatPassesThroughFreesTheLocals) {
    EventLoop loop;
    const auto held = std::make_shared<int>(5);
    EXPECT_THROW(run(loop, failWith(nullptr, held)), std::runtime_error);
    EXPECT_THROW(run(loop, failWith(&loop, held)), std::runtime_error);
    EXPECT_EQ(held.use_count(), 1);
    EXPECT_EQ(*held, 5);
}

Task<> inOrder(EventLoop& loop, std::vector<int>& order) {
    co_await append(order, 1);
    co_await nextTurn(loop);
    co_await append(order, 2);
    Task<> later = append(order, 4);
    co_await append(order, 3);
    co_await later;
}

TEST(Task, AwaitedOnesRunOneAfterTheOther) {
    EventLoop loop;
    std::vector<int> order;
    run(loop, inOrder(loop, order));
    EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
}

TEST(Task, CanBeMovedAndReplaced) {
    EventLoop loop;
    const auto first = std::make_shared<int>(0);
    const auto second = std::make_shared<int>(0);
    Task<> task = hold(first);
    task = hold(second);
    EXPECT_EQ(first.use_count(), 1);
    run(loop, std::move(task));
    EXPECT_EQ(*first, 0);
    EXPECT_EQ(*second, 1);
}

Task<int> many(int count) {
    int total = 0;
    for (int i = 0; i < count; ++i) total += co_await answer() == 42 ? 1 : 0;
    co_return total;
}

// At 16 bytes a round this would be more than the whole stack.
TEST(Task, ALoopOfTasksThatDoNotWaitNeedsNoStack) {
    EventLoop loop;
    EXPECT_EQ(run(loop, many(600'000)), 600'000);
}

Task<int> depth(EventLoop* loop, int levels) {
    if (levels > 0) co_return 1 + co_await depth(loop, levels - 1);
    if (loop != nullptr) co_await nextTurn(*loop);
    co_return 0;
}

TEST(Task, MayAwaitAThousandLevelsDeep) {
    EventLoop loop;
    EXPECT_EQ(run(loop, depth(nullptr, 1000)), 1000);
    EXPECT_EQ(run(loop, depth(&loop, 1000)), 1000);
}

struct Aggregate {
    std::string text;
    std::shared_ptr<int> held;
};

Task<std::string> take(Aggregate value) { co_return value.text; }

Aggregate make(std::shared_ptr<int> held) { return {"short", std::move(held)}; }

// What task.h calls safe with GCC 12.
Task<> temporaries(std::shared_ptr<int> held) {
    Aggregate named{"short", held};
    const std::string copied = co_await take(named);
    const std::string moved = co_await take(std::move(named));
    EXPECT_EQ(copied + moved, "shortshort");
    const std::string text = "a" + co_await take(make(held)) + std::string{"b"};
    EXPECT_EQ(text, "ashortb");
}

TEST(Task, NamedArgumentsAndThoseReturnedByFunctionsAreDestroyedOnce) {
    EventLoop loop;
    const auto held = std::make_shared<int>(0);
    run(loop, temporaries(held));
    EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace northstar::test
