// SPDX-License-Identifier: Apache-2.0
// A poll(2) loop on one thread: posted tasks, timers, descriptors, and sources such as a bus connection.
#pragma once

#include <poll.h>

#include <chrono>
#include <deque>
#include <mutex>

#include "base/std.h"
#include "base/unique_fd.h"

namespace northstar {

// Something with descriptors and time-outs of its own that come anew for every turn of the loop.
class EventSource {
public:
    virtual ~EventSource() = default;
    // Handles what there is without waiting for more, and not for long: the other sources wait. What it leaves makes
    // the time-out 0.
    virtual void process() = 0;
    // Adds what to poll for, and returns in how many milliseconds it wants to be called at the latest; -1: whenever.
    virtual int prepare(std::vector<pollfd>& fds) = 0;
};

class EventLoop {
public:
    EventLoop();

    // Borrowed until removed. Loop's thread only, and not from inside a source.
    void add(EventSource& source) { sources_.push_back(&source); }
    void remove(EventSource& source) { std::erase(sources_, &source); }

    // Any thread. Tasks run on the loop's thread in the order posted.
    void post(std::function<void()> task);

    // Loop's thread only, as all below. The handler runs whenever the descriptor (borrowed) is readable, has ended or
    // is broken. It may watch and unwatch, also itself. Unwatch before closing: a closed one makes the loop spin.
    void watch(int fd, std::function<void()> onReadable);
    void unwatch(int fd) { watches_.erase(fd); }

    // Runs the task once, not before this much time has passed.
    void after(std::chrono::milliseconds delay, std::function<void()> task);

    // Until stop() was called, also if that was before. Throws what a source or a task throws; the tasks posted for the
    // same turn are lost then.
    void run();
    void stop();

    // Handles what there is, waiting for it if there is nothing. What its handlers post is for the next turn.
    void runOnce();

private:
    using Clock = std::chrono::steady_clock;
    using Handler = std::shared_ptr<std::function<void()>>;  // kept while it runs, even if it unwatches itself
    void runTasks();
    void runTimers();
    [[nodiscard]] int untilTimer() const;

    std::vector<EventSource*> sources_;
    UniqueFd wake_;
    std::mutex mutex_;
    std::deque<std::function<void()>> tasks_;  // under mutex_
    std::map<int, Handler> watches_;
    std::multimap<Clock::time_point, std::function<void()>> timers_;
    bool stopped_ = false;
};

}  // namespace northstar
