// SPDX-License-Identifier: Apache-2.0
#include "bus/event_loop.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <vector>

#include "base/error.h"

namespace northstar::bus {

EventLoop::EventLoop(sdbus::IConnection& bus) : bus_{bus}, wake_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
    if (!wake_) throwErrno(Code::Failed, "Cannot make an eventfd", errno);
}

void EventLoop::post(std::function<void()> task) {
    {
        const std::lock_guard lock{mutex_};
        tasks_.push_back(std::move(task));
    }
    eventfd_write(wake_.get(), 1);
}

void EventLoop::watch(int fd, std::function<void()> onReadable) { watches_[fd] = std::move(onReadable); }

void EventLoop::unwatch(int fd) { watches_.erase(fd); }

void EventLoop::after(std::chrono::milliseconds delay, std::function<void()> task) {
    timers_.emplace(Clock::now() + delay, std::move(task));
}

void EventLoop::run() {
    while (!stopped_) runOnce();
}

void EventLoop::runTasks() {
    eventfd_t ignored{};
    eventfd_read(wake_.get(), &ignored);
    std::deque<std::function<void()>> tasks;
    {
        const std::lock_guard lock{mutex_};
        tasks.swap(tasks_);
    }
    for (auto& task : tasks) task();
}

void EventLoop::runTimers() {
    while (!timers_.empty() && timers_.begin()->first <= Clock::now()) {
        const auto timer = timers_.extract(timers_.begin());
        timer.mapped()();
    }
}

// A client that floods us must not keep workers' results, timers and the watchdog waiting. While messages are queued
// the bus's poll time-out is 0, so what is left comes next.
void EventLoop::processBus() {
    constexpr int kMost = 64;
    const auto end = Clock::now() + std::chrono::milliseconds{50};
    for (int i = 0; i < kMost && processOne(bus_) && Clock::now() < end; ++i) {}
}

int EventLoop::pollTimeout(int busTimeout) const {
    if (timers_.empty()) return busTimeout;
    // Rounded up: waking a moment too early would spin.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - Clock::now()).count();
    const int timer = static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
    return busTimeout < 0 ? timer : std::min(busTimeout, timer);
}

void EventLoop::runOnce() {
    processBus();
    const BusPoll bus = pollData(bus_);
    std::vector<pollfd> fds{{wake_.get(), POLLIN, 0}, {bus.fd, bus.events, 0}, {bus.wakeFd, POLLIN, 0}};
    const std::size_t firstWatch = fds.size();
    for (const auto& [fd, handler] : watches_) fds.push_back({fd, POLLIN, 0});
    if (poll(fds.data(), fds.size(), pollTimeout(bus.timeoutMs)) < 0 && errno != EINTR) {
        throwErrno(Code::Failed, "Cannot poll", errno);
    }
    if (fds[0].revents != 0) runTasks();
    for (std::size_t i = firstWatch; i < fds.size(); ++i) {
        if (fds[i].revents == 0) continue;
        if (const auto it = watches_.find(fds[i].fd); it != watches_.end()) it->second();
    }
    runTimers();
}

}  // namespace northstar::bus
