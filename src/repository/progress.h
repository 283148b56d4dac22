// SPDX-License-Identifier: Apache-2.0
// How far an install is, told now and then.
#pragma once

#include <chrono>
#include <mutex>

#include "base/std.h"

namespace northstar {

// Safe from several threads at once.
class Progress {
public:
    // In bytes; `done` never falls. Called by one thread at a time, whichever it is. Must not throw.
    using Told = std::function<void(std::uint64_t done, std::uint64_t total)>;

    // `total`: the package's size. `passes`: how often each byte of it is passed through, 1 or more. Nothing is told if
    // `told` is empty.
    Progress(std::uint64_t total, unsigned passes, Told told) : total_{total}, passes_{passes}, told_{std::move(told)} {
        tell(0);
    }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // So many bytes more were passed through once.
    void add(std::uint64_t bytes) {
        const std::scoped_lock lock{mutex_};
        passed_ += bytes;
        if (Clock::now() - last_ >= kInterval) tell(std::min(passed_ / passes_, total_));
    }
    void finish() {
        const std::scoped_lock lock{mutex_};
        tell(total_);
    }

private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds kInterval{100};  // often enough for a bar that moves

    void tell(std::uint64_t done) {
        last_ = Clock::now();
        if (told_) told_(done, total_);
    }

    const std::uint64_t total_;
    const unsigned passes_;
    const Told told_;
    std::mutex mutex_;
    std::uint64_t passed_ = 0;  // bytes, all passes together; under mutex_, as the next
    Clock::time_point last_;
};

}  // namespace northstar
