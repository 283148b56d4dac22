// SPDX-License-Identifier: Apache-2.0
#include "async/event_loop.h"

#include <sys/eventfd.h>

#include <climits>
#include <thread>

#include "base/error.h"

namespace northstar {

EventLoop::EventLoop() : wake_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
    if (!wake_) throwErrno(Code::Failed, "Cannot make an eventfd", errno);
}

void EventLoop::post(std::function<void()> task) {
    {
        const std::lock_guard lock{mutex_};
        tasks_.push_back(std::move(task));
    }
    eventfd_write(wake_.get(), 1);
}

void EventLoop::watch(int fd, std::function<void()> onReadable) {
    watches_[fd] = std::make_shared<std::function<void()>>(std::move(onReadable));
}

void EventLoop::after(std::chrono::milliseconds delay, std::function<void()> task) {
    timers_.emplace(Clock::now() + delay, std::move(task));
}

void EventLoop::run() {
    while (!stopped_) runOnce();
}

// Wakes the loop: a source may call it in front of poll().
void EventLoop::stop() {
    stopped_ = true;
    eventfd_write(wake_.get(), 1);
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
    const auto now = Clock::now();  // read once: a timer that sets itself anew waits for the next turn
    while (!timers_.empty() && timers_.begin()->first <= now) {
        const auto timer = timers_.extract(timers_.begin());
        timer.mapped()();
    }
}

int EventLoop::untilTimer() const {
    if (timers_.empty()) return -1;
    // Rounded up: waking a moment too early would spin.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
}

void EventLoop::runOnce() {
    for (EventSource* source : sources_) source->process();
    std::vector<pollfd> fds{{wake_.get(), POLLIN, 0}};
    std::vector<Handler> handlers;
    for (const auto& [fd, handler] : watches_) {
        fds.push_back({fd, POLLIN, 0});
        handlers.push_back(handler);
    }
    int timeout = untilTimer();
    for (EventSource* source : sources_) {
        const int wanted = source->prepare(fds);
        if (wanted >= 0) timeout = timeout < 0 ? wanted : std::min(timeout, wanted);
    }
    if (poll(fds.data(), fds.size(), timeout) < 0) {
        if (errno != EINTR && errno != ENOMEM && errno != EAGAIN) throwErrno(Code::Failed, "Cannot poll", errno);
        std::this_thread::sleep_for(std::chrono::milliseconds{1});  // not to spin while memory is short
    }
    if (fds[0].revents != 0) runTasks();
    for (std::size_t i = 0; i < handlers.size(); ++i) {
        const pollfd& polled = fds[i + 1];
        if (polled.revents == 0) continue;
        // Unwatched in this turn, or another file got its number: then this event is not for it.
        const auto it = watches_.find(polled.fd);
        if (it != watches_.end() && it->second == handlers[i]) (*handlers[i])();
    }
    runTimers();
}

}  // namespace northstar
