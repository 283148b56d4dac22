// SPDX-License-Identifier: Apache-2.0
// The worker pool: where functions run and are destroyed, what comes back, nothing lost at the end.
#include "async/pool.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "async/when_all.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "run.h"

namespace northstar::test {
namespace {

using Id = std::thread::id;

// Notes the thread that destroys it.
struct Witness {
    explicit Witness(Id& thread) : destroyedOn{&thread} {}
    Witness(Witness&& other) noexcept : destroyedOn{std::exchange(other.destroyedOn, nullptr)} {}
    Witness(const Witness&) = delete;
    Witness& operator=(const Witness&) = delete;
    Witness& operator=(Witness&&) = delete;
    ~Witness() {
        if (destroyedOn != nullptr) *destroyedOn = std::this_thread::get_id();
    }
    Id* destroyedOn;
};

class PoolTest : public testing::Test {
protected:
    EventLoop loop;
    Pool pool{loop, 2};
};

Task<> compareThreads(Pool& pool) {
    const Id before = std::this_thread::get_id();
    auto job = pool.run([] { return std::this_thread::get_id(); });
    const Id worker = co_await job;
    EXPECT_NE(worker, before);
    EXPECT_EQ(std::this_thread::get_id(), before);
}

TEST_F(PoolTest, RunsOnAWorkerAndComesBackToTheLoop) { run(loop, compareThreads(pool)); }

TEST_F(PoolTest, RunsNothingThatIsNotAwaited) {
    const auto held = std::make_shared<int>(0);
    {
        auto job = pool.run([held] { ++*held; });
    }
    pool.drain();
    EXPECT_EQ(*held, 0);
    EXPECT_EQ(held.use_count(), 1);
}

TEST_F(PoolTest, YieldsNothingAValueOrWhatCanOnlyBeMoved) {
    int ran = 0;
    run(loop, pool.run([&] { ++ran; }));
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(run(loop, pool.run([] { return std::string(100, 'x'); })), std::string(100, 'x'));
    EXPECT_EQ(*run(loop, pool.run([] { return std::make_unique<int>(7); })), 7);
}

TEST_F(PoolTest, ThrowsWhatTheFunctionThrows) {
    const auto fail = [](int) -> int { throw Error{Code::Busy, "in use"}; };
    EXPECT_THROW(run(loop, pool.run([&] { return fail(1); })), Error);
    EXPECT_THROW(run(loop, pool.run([&] { fail(1); })), Error);
}

Task<> noteDestruction(Pool& pool, Id& worker, Id& destroyedOn, bool fails) {
    Witness witness{destroyedOn};
    auto job = pool.run([&worker, fails, witness = std::move(witness)] {
        worker = std::this_thread::get_id();
        if (fails) throw std::runtime_error{"failed"};
    });
    try {
        co_await job;
    } catch (const std::runtime_error&) {
        EXPECT_TRUE(fails);
    }
    EXPECT_EQ(destroyedOn, worker);  // and before the result came back
    EXPECT_NE(destroyedOn, std::this_thread::get_id());
}

TEST_F(PoolTest, DestroysTheFunctionOnTheWorkerBeforeTheResultComesBack) {
    for (const bool fails : {false, true}) {
        Id worker, destroyedOn;
        run(loop, noteDestruction(pool, worker, destroyedOn, fails));
    }
}

Task<> checkForms(Pool& pool, std::shared_ptr<int> held, std::string text, UniqueFd fd) {
    const std::shared_ptr<const int> constant = held;
    for (int i = 0; i < 10; ++i) {
        auto job = pool.run([held, constant, i] { return *held + *constant + i; });
        const int sum = co_await job;
        EXPECT_EQ(sum, 14 + i);
        EXPECT_EQ(held.use_count(), 2 + 1);  // ours, the constant, and the test's
    }
    auto length = [text, held] { return text + std::to_string(*held); };
    const std::string joined = co_await pool.run(std::move(length));
    EXPECT_EQ(joined, text + "7");
    auto number = pool.run([fd = std::move(fd)] { return fd.get(); });
    if (co_await number >= 0) {
        auto yes = pool.run([text] { return text.size(); });
        const std::size_t size = text.empty() ? 0 : co_await yes;
        EXPECT_EQ(size, text.size());
    } else {
        ADD_FAILURE() << "no descriptor";
    }
}

// What pool.h calls safe with GCC 12.
TEST_F(PoolTest, WhatNamedJobsOwnIsDestroyedOnce) {
    const auto held = std::make_shared<int>(7);
    for (const auto& text : {std::string{"short"}, std::string(100, 'x')}) {
        const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        ASSERT_GE(fd, 0);
        run(loop, checkForms(pool, held, text, UniqueFd{fd}));
        EXPECT_EQ(fcntl(fd, F_GETFD), -1);
        EXPECT_EQ(held.use_count(), 1);
    }
}

// Plain values and references are copied bit by bit without harm.
Task<> direct(Pool& pool, const std::string& text, int more) {
    const std::size_t size = co_await pool.run([&text, more] { return text.size() + static_cast<std::size_t>(more); });
    EXPECT_EQ(size, 6U);
}

TEST_F(PoolTest, AFunctionThatOwnsNothingMayBeMadeWhereItIsAwaited) {
    const std::string text = "short";
    run(loop, direct(pool, text, 1));
}

TEST_F(PoolTest, JobsRunSideBySide) {
    std::promise<void> first, second;
    const auto meet = [](std::promise<void>& mine, std::promise<void>& other) {
        mine.set_value();
        return other.get_future().wait_for(std::chrono::seconds{30}) == std::future_status::ready;
    };
    std::vector<Task<bool>> jobs;
    jobs.push_back(pool.run([&] { return meet(first, second); }));
    jobs.push_back(pool.run([&] { return meet(second, first); }));
    const std::vector<bool> met = run(loop, whenAll(std::move(jobs)));
    EXPECT_EQ(met, (std::vector{true, true}));
}

TEST(Pool, WithOneThreadRunsJobsInTheOrderAwaited) {
    EventLoop loop;
    Pool pool{loop, 1};
    std::vector<int> order;  // no lock: one thread
    std::vector<Task<>> jobs;
    for (int i = 0; i < 100; ++i) jobs.push_back(pool.run([&order, i] { order.push_back(i); }));
    run(loop, whenAll(std::move(jobs)));
    ASSERT_EQ(order.size(), 100U);
    EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Pool, ServesUsersInTurn) {
    EventLoop loop;
    Pool pool{loop, 1};
    std::promise<void> queued;
    std::vector<std::uint32_t> order;  // no lock: one thread
    std::vector<Task<>> jobs;
    const auto add = [&](std::uint32_t user) {
        jobs.push_back(pool.run([&order, user] { order.push_back(user); }, user));
    };
    jobs.push_back(pool.run([wait = queued.get_future().share()] { wait.wait_for(std::chrono::seconds{30}); }, 1000));
    for (int i = 0; i < 50; ++i) add(1000);
    for (const std::uint32_t user : {0U, 1001U}) add(user);
    jobs.push_back([](std::promise<void>& all) -> Task<> {
        all.set_value();
        co_return;
    }(queued));
    run(loop, whenAll(std::move(jobs)));
    ASSERT_EQ(order.size(), 52U);
    EXPECT_EQ((std::vector{order[0], order[1], order[2]}), (std::vector<std::uint32_t>{1001, 0, 1000}));
}

TEST(Pool, AUserWhoseJobsHangKeepsNobodyWaiting) {
    EventLoop loop;
    Pool pool{loop, 4, 2};
    std::promise<void> answer;
    const auto hang = [wait = answer.get_future().share()] { return wait.wait_for(std::chrono::seconds{30}); };
    Scope scope;
    std::vector<std::future_status> ended;
    const auto note = [](Task<std::future_status> job, std::vector<std::future_status>& results) -> Task<> {
        results.push_back(co_await job);
    };
    for (int i = 0; i < 8; ++i) scope.spawn(note(pool.run(hang, 1000), ended));
    for (const std::uint32_t user : {0U, 1001U}) EXPECT_EQ(run(loop, pool.run([] { return 5; }, user)), 5);
    EXPECT_TRUE(ended.empty());
    answer.set_value();
    turnUntil(loop, [&] { return scope.empty(); });
    EXPECT_EQ(ended, std::vector(8, std::future_status::ready));
}

TEST(Pool, ManyJobsAllComeBack) {
    EventLoop loop;
    Pool pool{loop, 4};
    std::vector<Task<std::shared_ptr<int>>> jobs;
    const auto shared = std::make_shared<int>(1);
    for (int i = 0; i < 2000; ++i) jobs.push_back(pool.run([shared] { return shared; }));
    auto results = run(loop, whenAll(std::move(jobs)));
    EXPECT_EQ(results.size(), 2000U);
    EXPECT_EQ(shared.use_count(), 2001);
    results.clear();
    EXPECT_EQ(shared.use_count(), 1);
}

TEST(Pool, ZeroThreadsMeansSome) {
    EventLoop loop;
    Pool pool{loop, 0};
    EXPECT_EQ(run(loop, pool.run([] { return 5; })), 5);
}

TEST(Pool, DrainRunsWhatIsQueuedAndTheResultsStillComeBack) {
    EventLoop loop;
    Pool pool{loop, 1};
    std::atomic<int> ran = 0;
    Scope scope;
    for (int i = 0; i < 50; ++i) scope.spawn(pool.run([&ran] { ++ran; }));
    pool.drain();
    EXPECT_EQ(ran, 50);
    EXPECT_EQ(scope.size(), 50U);
    loop.runOnce();
    EXPECT_TRUE(scope.empty());
}

TEST_F(PoolTest, TakesNothingAfterDrain) {
    pool.drain();
    pool.drain();
    const auto held = std::make_shared<int>(0);
    try {
        run(loop, pool.run([held] { ++*held; }));
        ADD_FAILURE() << "ran";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), Code::Failed);
    }
    EXPECT_EQ(*held, 0);
    EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace northstar::test
