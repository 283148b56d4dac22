// SPDX-License-Identifier: Apache-2.0
// Tasks that nobody awaits: started at once, waited for at the end, never forgotten.
#include "async/scope.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "base/log.h"
#include "run.h"

namespace northstar::test {
namespace {

Task<> pass(Gate& gate, std::shared_ptr<int> passed) {
    co_await gate.passed();
    ++*passed;
}

Task<> instant(int& ran) {
    ++ran;
    co_return;
}

Task<> awaitJoined(Scope& scope, bool& done) {
    co_await scope.joined();
    done = true;
}

TEST(Scope, StartsATaskAtOnce) {
    Scope scope;
    int ran = 0;
    scope.spawn(instant(ran));
    EXPECT_EQ(ran, 1);
    EXPECT_TRUE(scope.empty());
}

TEST(Scope, CountsTheTasksThatHaveNotEnded) {
    Scope scope;
    Gate first, second;
    const auto passed = std::make_shared<int>(0);
    scope.spawn(pass(first, passed));
    scope.spawn(pass(second, passed));
    EXPECT_EQ(scope.size(), 2U);
    second.open();
    EXPECT_EQ(scope.size(), 1U);
    first.open();
    EXPECT_TRUE(scope.empty());
    EXPECT_EQ(*passed, 2);
    EXPECT_EQ(passed.use_count(), 1);  // no frame is left
}

TEST(Scope, AnEmptyOneIsJoinedAtOnce) {
    Scope scope, outer;
    bool joined = false;
    outer.spawn(awaitJoined(scope, joined));
    EXPECT_TRUE(joined);
}

TEST(Scope, IsJoinedWhenTheLastTaskHasEnded) {
    Scope scope, outer;
    Gate first, second;
    const auto passed = std::make_shared<int>(0);
    bool joined = false, joinedToo = false;
    scope.spawn(pass(first, passed));
    scope.spawn(pass(second, passed));
    outer.spawn(awaitJoined(scope, joined));
    outer.spawn(awaitJoined(scope, joinedToo));
    first.open();
    EXPECT_FALSE(joined);
    second.open();
    EXPECT_TRUE(joined);
    EXPECT_TRUE(joinedToo);
}

Task<> freeOfFrames(Scope& scope, const std::shared_ptr<int>& held, long& uses) {
    co_await scope.joined();
    uses = held.use_count();
}

TEST(Scope, WhatTheTasksHeldIsGoneWhenItIsJoined) {
    Scope scope, outer;
    Gate gate;
    const auto held = std::make_shared<int>(0);
    long uses = 0;
    scope.spawn(pass(gate, held));
    outer.spawn(freeOfFrames(scope, held, uses));
    gate.open();
    EXPECT_EQ(uses, 1);
}

Task<> spawnAnother(Scope& scope, Gate& first, Gate& second, std::shared_ptr<int> passed) {
    co_await first.passed();
    scope.spawn(pass(second, passed));
}

TEST(Scope, WaitsForWhatIsSpawnedWhileItIsJoined) {
    Scope scope, outer;
    Gate first, second;
    const auto passed = std::make_shared<int>(0);
    bool joined = false;
    scope.spawn(spawnAnother(scope, first, second, passed));
    outer.spawn(awaitJoined(scope, joined));
    first.open();
    EXPECT_FALSE(joined);
    second.open();
    EXPECT_TRUE(joined);
}

Task<> joinAndRefill(Scope& scope, Gate& gate, std::shared_ptr<int> passed) {
    co_await scope.joined();
    scope.spawn(pass(gate, passed));
}

TEST(Scope, AJoinerGoesOnWaitingIfAnotherOneHasSpawnedMore) {
    Scope scope, outer;
    Gate first, second;
    const auto passed = std::make_shared<int>(0);
    bool joined = false;
    scope.spawn(pass(first, passed));
    outer.spawn(joinAndRefill(scope, second, passed));
    outer.spawn(awaitJoined(scope, joined));
    first.open();
    EXPECT_FALSE(joined);
    second.open();
    EXPECT_TRUE(joined);
}

Task<> joinAndDestroy(std::unique_ptr<Scope>& scope) {
    co_await scope->joined();
    scope.reset();
}

TEST(Scope, MayBeDestroyedByWhoJoinedIt) {
    auto scope = std::make_unique<Scope>();
    Scope outer;
    Gate gate;
    const auto passed = std::make_shared<int>(0);
    scope->spawn(pass(gate, passed));
    outer.spawn(joinAndDestroy(scope));
    gate.open();
    EXPECT_EQ(scope, nullptr);
    EXPECT_TRUE(outer.empty());
}

Task<> failing(Gate& gate) {
    co_await gate.passed();
    throw std::runtime_error{"the reason"};
}

Task<> failingOddly() {
    throw 3;
    co_return;
}

// Each on its own in the child, with the log on standard error.
void endWith(Task<> task) {
    setUpLogging("async-test", "info");
    Scope scope;
    scope.spawn(std::move(task));
}

TEST(ScopeDeathTest, AnErrorThatLeavesATaskEndsTheProcess) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    Gate open;
    open.open();
    EXPECT_DEATH(endWith(failing(open)), "failed: the reason");
    EXPECT_DEATH(endWith(failingOddly()), "failed: not a std::exception");
}

TEST(ScopeDeathTest, WorkThatIsLeftEndsTheProcessInDebugBuilds) {
#ifdef NDEBUG
    GTEST_SKIP() << "logged only";
#else
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    Gate closed;
    EXPECT_DEATH(endWith(pass(closed, std::make_shared<int>(0))), "ends with 1 tasks left");
#endif
}

}  // namespace
}  // namespace northstar::test
