// SPDX-License-Identifier: Apache-2.0
// The one thread that touches the bus: a poll() loop over the bus, posted tasks, timers and whatever else is watched.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <mutex>

#include "base/unique_fd.h"
#include "bus/sdbus_compat.h"

namespace northstar::bus {

class EventLoop {
public:
    explicit EventLoop(sdbus::IConnection& bus);

    // Any thread. Tasks run on the loop's thread in the order posted.
    void post(std::function<void()> task);

    // Loop's thread only, as all below. The handler runs whenever the descriptor (borrowed) is readable.
    void watch(int fd, std::function<void()> onReadable);
    void unwatch(int fd);

    // Runs the task once, not before this much time has passed.
    void after(std::chrono::milliseconds delay, std::function<void()> task);

    // Until stop() was called. Throws sdbus::Error when the bus is lost.
    void run();
    void stop() { stopped_ = true; }

    // Handles what there is, waiting for it if there is nothing.
    void runOnce();

private:
    using Clock = std::chrono::steady_clock;
    void processBus();
    void runTasks();
    void runTimers();
    [[nodiscard]] int pollTimeout(int busTimeout) const;

    sdbus::IConnection& bus_;
    UniqueFd wake_;
    std::mutex mutex_;
    std::deque<std::function<void()>> tasks_;  // under mutex_
    std::map<int, std::function<void()>> watches_;
    std::multimap<Clock::time_point, std::function<void()>> timers_;
    bool stopped_ = false;
};

}  // namespace northstar::bus
