// SPDX-License-Identifier: Apache-2.0
// Tasks side by side: started in order, all of them ended, values and the first error by position.
#include "async/when_all.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "run.h"

namespace northstar::test {
namespace {

Task<> pass(Gate& gate, std::vector<int>& started, std::vector<int>& ended, int number) {
    started.push_back(number);
    co_await gate.passed();
    ended.push_back(number);
}

Task<> fail(Gate& gate, std::string why) {
    co_await gate.passed();
    throw std::runtime_error{why};
}

// No default, no copy.
struct Value {
    explicit Value(int of) : number{std::make_unique<int>(of)} {}
    std::unique_ptr<int> number;
};

Task<Value> value(Gate& gate, int number) {
    co_await gate.passed();
    if (number < 0) throw std::runtime_error{"negative"};
    co_return Value{number};
}

Task<> markDone(Task<> task, bool& done) {
    co_await task;
    done = true;
}

TEST(WhenAll, OfNothingEndsAtOnce) {
    EventLoop loop;
    run(loop, whenAll(std::vector<Task<>>{}));
    EXPECT_TRUE(run(loop, whenAll(std::vector<Task<int>>{})).empty());
}

TEST(WhenAll, StartsInOrderAndEndsWithTheLast) {
    Gate first, second, third;
    std::vector<int> started, ended;
    std::vector<Task<>> tasks;
    tasks.push_back(pass(first, started, ended, 1));
    tasks.push_back(pass(second, started, ended, 2));
    tasks.push_back(pass(third, started, ended, 3));
    Scope scope;
    bool done = false;
    scope.spawn(markDone(whenAll(std::move(tasks)), done));
    EXPECT_EQ(started, (std::vector{1, 2, 3}));
    third.open();
    first.open();
    EXPECT_FALSE(done);
    second.open();
    EXPECT_TRUE(done);
    EXPECT_EQ(ended, (std::vector{3, 1, 2}));
}

Task<> keepMessage(Task<> task, std::string& message) {
    try {
        co_await task;
    } catch (const std::runtime_error& error) {
        message = error.what();
    }
}

TEST(WhenAll, ThrowsTheFirstErrorByPositionAfterAllHaveEnded) {
    Gate first, second, third;
    std::vector<int> started, ended;
    std::vector<Task<>> tasks;
    tasks.push_back(pass(first, started, ended, 1));
    tasks.push_back(fail(second, "second"));
    tasks.push_back(fail(third, "third"));
    Scope scope;
    std::string message;
    scope.spawn(keepMessage(whenAll(std::move(tasks)), message));
    third.open();
    second.open();
    EXPECT_EQ(message, "");
    first.open();
    EXPECT_EQ(message, "second");
    EXPECT_EQ(ended, std::vector{1});
}

TEST(WhenAll, AnErrorAtTheStartDoesNotKeepTheOthersFromStarting) {
    EventLoop loop;
    Gate open;
    open.open();
    std::vector<int> started, ended;
    std::vector<Task<>> tasks;
    tasks.push_back(fail(open, "first"));
    tasks.push_back(pass(open, started, ended, 2));
    EXPECT_THROW(run(loop, whenAll(std::move(tasks))), std::runtime_error);
    EXPECT_EQ(ended, std::vector{2});
}

Task<> keepValues(Task<std::vector<Value>> task, std::vector<Value>& values) { values = co_await task; }

TEST(WhenAll, YieldsTheValuesByPosition) {
    Gate first, second;
    std::vector<Task<Value>> tasks;
    tasks.push_back(value(first, 1));
    tasks.push_back(value(second, 2));
    Scope scope;
    std::vector<Value> values;
    scope.spawn(keepValues(whenAll(std::move(tasks)), values));
    second.open();
    first.open();
    ASSERT_EQ(values.size(), 2U);
    EXPECT_EQ(*values[0].number, 1);
    EXPECT_EQ(*values[1].number, 2);
}

TEST(WhenAll, OfValuesThrowsTheErrorOfOne) {
    EventLoop loop;
    Gate open;
    open.open();
    std::vector<Task<Value>> tasks;
    tasks.push_back(value(open, 1));
    tasks.push_back(value(open, -1));
    EXPECT_THROW(run(loop, whenAll(std::move(tasks))), std::runtime_error);
}

Task<> holdBeside(Gate& gate, std::shared_ptr<int> held) {
    co_await gate.passed();
    ++*held;
}

TEST(WhenAll, FreesEachTaskWhenItHasEnded) {
    Gate first, second;
    const auto held = std::make_shared<int>(0);
    std::vector<Task<>> tasks;
    tasks.push_back(holdBeside(first, held));
    tasks.push_back(holdBeside(second, held));
    Scope scope;
    scope.spawn(whenAll(std::move(tasks)));
    EXPECT_EQ(held.use_count(), 3);
    first.open();
    EXPECT_EQ(held.use_count(), 2);
    second.open();
    EXPECT_EQ(held.use_count(), 1);
}

TEST(WhenAll, ThatWasNeverAwaitedFreesItsTasks) {
    Gate gate;
    const auto held = std::make_shared<int>(0);
    {
        std::vector<Task<>> tasks;
        tasks.push_back(holdBeside(gate, held));
        const Task<> all = whenAll(std::move(tasks));
    }
    EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace northstar::test
