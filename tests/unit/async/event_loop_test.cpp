// SPDX-License-Identifier: Apache-2.0
// The loop: what runs when, from which thread, and what its handlers may do to it.
#include "async/event_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace northstar::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Readable until it is read.
class Event {
public:
    Event() { set(); }
    [[nodiscard]] int fd() const { return fd_.get(); }
    void set() const { eventfd_write(fd_.get(), 1); }
    void clear() const {
        eventfd_t value{};
        eventfd_read(fd_.get(), &value);
    }

private:
    UniqueFd fd_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

// No turn of a test waits longer than this.
void bound(EventLoop& loop) {
    loop.after(30s, [] { throw std::runtime_error{"the loop waited for nothing"}; });
}

// What there is now, and no more: a task is posted so that the turn does not wait.
void turn(EventLoop& loop) {
    loop.post([] {});
    loop.runOnce();
}

TEST(EventLoop, RunsPostedTasksInOrder) {
    EventLoop loop;
    std::vector<int> order;
    for (int i = 0; i < 3; ++i) loop.post([&order, i] { order.push_back(i); });
    EXPECT_TRUE(order.empty());
    loop.runOnce();
    EXPECT_EQ(order, (std::vector{0, 1, 2}));
}

TEST(EventLoop, WhatATaskPostsIsForTheNextTurn) {
    EventLoop loop;
    bound(loop);
    int ran = 0;
    loop.post([&] { loop.post([&] { ++ran; }); });
    loop.runOnce();
    EXPECT_EQ(ran, 0);
    loop.runOnce();
    EXPECT_EQ(ran, 1);
}

TEST(EventLoop, ATaskFromAnotherThreadWakesIt) {
    EventLoop loop;
    bound(loop);
    std::thread::id ran;
    std::jthread other{[&] {
        std::this_thread::sleep_for(20ms);
        loop.post([&] { ran = std::this_thread::get_id(); });
    }};
    loop.runOnce();
    EXPECT_EQ(ran, std::this_thread::get_id());
}

TEST(EventLoop, TasksOfManyThreadsAllRunEachThreadsInOrder) {
    EventLoop loop;
    bound(loop);
    std::vector<std::vector<int>> seen(4);
    std::size_t count = 0;
    std::vector<std::jthread> threads;
    for (auto& mine : seen) {
        threads.emplace_back([&loop, &mine, &count] {
            for (int i = 0; i < 500; ++i) {
                loop.post([&mine, &count, i] {
                    mine.push_back(i);
                    ++count;
                });
            }
        });
    }
    while (count < 2000) loop.runOnce();
    for (const auto& mine : seen) EXPECT_TRUE(std::ranges::is_sorted(mine));
}

TEST(EventLoop, RunsAHandlerAsLongAsItsDescriptorIsReadable) {
    EventLoop loop;
    bound(loop);
    const Event event;
    int ran = 0;
    loop.watch(event.fd(), [&] { ++ran; });
    loop.runOnce();
    loop.runOnce();
    EXPECT_EQ(ran, 2);
    event.clear();
    turn(loop);
    EXPECT_EQ(ran, 2);
    event.set();
    loop.unwatch(event.fd());
    turn(loop);
    EXPECT_EQ(ran, 2);
}

TEST(EventLoop, RunsAHandlerWhenTheOtherEndIsClosed) {
    EventLoop loop;
    bound(loop);
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd read{ends[0]};
    UniqueFd write{ends[1]};
    int ran = 0;
    loop.watch(read.get(), [&] { ++ran; });
    turn(loop);
    EXPECT_EQ(ran, 0);
    write.reset();
    loop.runOnce();
    EXPECT_EQ(ran, 1);
}

TEST(EventLoop, AHandlerMayUnwatchItself) {
    EventLoop loop;
    bound(loop);
    const Event event;
    const auto held = std::make_shared<int>(0);
    loop.watch(event.fd(), [&loop, &event, held] {
        loop.unwatch(event.fd());
        ++*held;  // what it captured is still there
    });
    loop.runOnce();
    turn(loop);
    EXPECT_EQ(*held, 1);
    EXPECT_EQ(held.use_count(), 1);
}

TEST(EventLoop, AHandlerMayReplaceItself) {
    EventLoop loop;
    bound(loop);
    const Event event;
    int second = 0;
    const auto held = std::make_shared<int>(0);
    loop.watch(event.fd(), [&, held] {
        loop.watch(event.fd(), [&] { ++second; });
        ++*held;
    });
    loop.runOnce();
    EXPECT_EQ(*held, 1);
    EXPECT_EQ(second, 0);
    loop.runOnce();
    EXPECT_EQ(*held, 1);
    EXPECT_EQ(second, 1);
}

TEST(EventLoop, AHandlerUnwatchedByAnotherOneDoesNotRun) {
    EventLoop loop;
    bound(loop);
    const Event first, second;
    int ran = 0;
    loop.watch(first.fd(), [&] {
        ++ran;
        loop.unwatch(second.fd());
    });
    loop.watch(second.fd(), [&] {
        ++ran;
        loop.unwatch(first.fd());
    });
    loop.runOnce();
    EXPECT_EQ(ran, 1);
}

TEST(EventLoop, AnEventIsNotForTheNextOwnerOfADescriptorsNumber) {
    EventLoop loop;
    bound(loop);
    const Event first, second;
    int ran = 0;
    ASSERT_LT(first.fd(), second.fd());  // its handler is the first
    loop.watch(first.fd(), [&] {
        loop.unwatch(first.fd());
        loop.watch(second.fd(), [&] { ++ran; });
        second.clear();
    });
    loop.watch(second.fd(), [] { ADD_FAILURE() << "replaced before"; });
    loop.runOnce();
    EXPECT_EQ(ran, 0);
    second.set();
    loop.runOnce();
    EXPECT_EQ(ran, 1);
}

TEST(EventLoop, AHandlerMayWatchMore) {
    EventLoop loop;
    bound(loop);
    const Event first, second;
    int ran = 0;
    loop.watch(first.fd(), [&] {
        first.clear();
        loop.watch(second.fd(), [&] { ++ran; });
    });
    loop.runOnce();
    EXPECT_EQ(ran, 0);
    loop.runOnce();
    EXPECT_EQ(ran, 1);
}

TEST(EventLoop, ATimerRunsOnceAndNotTooEarly) {
    EventLoop loop;
    const auto begin = Clock::now();
    int ran = 0;
    loop.after(20ms, [&] { ++ran; });
    while (ran == 0) loop.runOnce();
    EXPECT_GE(Clock::now() - begin, 20ms);
    turn(loop);
    EXPECT_EQ(ran, 1);
}

TEST(EventLoop, TimersRunInTheOrderOfTimeThenOfSetting) {
    EventLoop loop;
    std::vector<int> order;
    loop.after(20ms, [&] { order.push_back(3); });
    loop.after(0ms, [&] { order.push_back(1); });
    loop.after(0ms, [&] { order.push_back(2); });
    while (order.size() < 3) loop.runOnce();
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(EventLoop, ATimerThatSetsItselfAnewWaitsForTheNextTurn) {
    EventLoop loop;
    int ran = 0;
    std::function<void()> again = [&] {
        ++ran;
        loop.after(0ms, again);
    };
    again();
    loop.runOnce();
    EXPECT_EQ(ran, 2);
    loop.runOnce();
    EXPECT_EQ(ran, 3);
}

TEST(EventLoop, RunEndsWithTheTurnThatStopsIt) {
    EventLoop loop;
    bound(loop);
    int ran = 0;
    loop.post([&] { loop.stop(); });
    loop.post([&] { ++ran; });                          // of the same turn
    loop.post([&] { loop.post([&] { ran += 10; }); });  // of the next
    loop.run();
    EXPECT_EQ(ran, 1);
}

TEST(EventLoop, RunDoesNothingAfterStop) {
    EventLoop loop;
    int ran = 0;
    loop.post([&] { ++ran; });
    loop.stop();
    loop.run();
    EXPECT_EQ(ran, 0);
}

TEST(EventLoop, RunOnceWaitsForWhatComes) {
    EventLoop loop;
    const auto begin = Clock::now();
    bool ran = false;
    loop.after(20ms, [&] { ran = true; });
    loop.runOnce();
    EXPECT_TRUE(ran);
    EXPECT_GE(Clock::now() - begin, 20ms);
}

TEST(EventLoop, RunOnceHandlesTasksDescriptorsAndTimersInOneTurn) {
    EventLoop loop;
    const Event event;
    std::vector<int> order;
    loop.after(0ms, [&] { order.push_back(3); });
    loop.watch(event.fd(), [&] { order.push_back(2); });
    loop.post([&] { order.push_back(1); });
    loop.runOnce();
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(EventLoop, ThrowsWhatATaskThrowsAndCanGoOn) {
    EventLoop loop;
    bound(loop);
    loop.post([] { throw std::runtime_error{"of a task"}; });
    EXPECT_THROW(loop.run(), std::runtime_error);
    loop.post([&] { loop.stop(); });
    loop.run();
}

// Reads its event, and calls what it was given.
class Source : public EventSource {
public:
    explicit Source(EventLoop& loop) : loop_{loop} { loop_.add(*this); }
    ~Source() override { loop_.remove(*this); }
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;

    void process() override {
        ++processed;
        event.clear();
        if (onProcess) onProcess();
    }
    int prepare(std::vector<pollfd>& fds) override {
        fds.push_back({event.fd(), POLLIN, 0});
        return timeout;
    }

    Event event;
    int timeout = -1;
    int processed = 0;
    std::function<void()> onProcess;

private:
    EventLoop& loop_;
};

TEST(EventLoop, ProcessesASourceFirstInEachTurn) {
    EventLoop loop;
    bound(loop);
    Source source{loop};
    source.onProcess = [&] { loop.post([&] { EXPECT_EQ(source.processed, 1); }); };
    loop.runOnce();
    EXPECT_EQ(source.processed, 1);
}

TEST(EventLoop, ADescriptorOfASourceEndsTheWait) {
    EventLoop loop;
    bound(loop);
    Source source{loop};
    source.onProcess = [&] { source.event.set(); };
    loop.runOnce();
    loop.runOnce();
    EXPECT_EQ(source.processed, 2);
}

TEST(EventLoop, WaitsNoLongerThanTheSourceThatWantsToBeCalledFirst) {
    EventLoop loop;
    bound(loop);
    Source patient{loop}, hasty{loop};
    patient.timeout = 20'000;
    hasty.timeout = 0;
    loop.runOnce();
    loop.runOnce();
    EXPECT_EQ(hasty.processed, 2);
    EXPECT_EQ(patient.processed, 2);
}

TEST(EventLoop, ARemovedSourceIsNotCalled) {
    EventLoop loop;
    bound(loop);
    int processed = 0;
    {
        Source source{loop};
        source.onProcess = [&] { ++processed; };
        turn(loop);
    }
    turn(loop);
    EXPECT_EQ(processed, 1);
}

TEST(EventLoop, ASourceMayStopTheLoop) {
    EventLoop loop;
    bound(loop);
    Source source{loop};
    source.onProcess = [&] { loop.stop(); };
    loop.run();  // does not wait for more
    EXPECT_EQ(source.processed, 1);
}

}  // namespace
}  // namespace northstar::test
