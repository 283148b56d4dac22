// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/backoff.h"

#include <random>
#include <thread>

#include "base/std.h"

namespace northstar {

Backoff::Backoff(std::chrono::milliseconds timeout, std::chrono::microseconds first, std::chrono::microseconds longest)
    : deadline_{std::chrono::steady_clock::now() + timeout}, next_{first}, longest_{longest} {}

bool Backoff::pause() {
    thread_local std::minstd_rand random{std::random_device{}()};
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline_) return false;
    std::uniform_int_distribution<std::chrono::microseconds::rep> length{next_.count() / 2, next_.count()};
    std::this_thread::sleep_until(std::min(now + std::chrono::microseconds{length(random)}, deadline_));
    next_ = std::min(next_ * 2, longest_);
    return true;
}

}  // namespace northstar
