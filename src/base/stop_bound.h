// SPDX-License-Identifier: Apache-2.0
// Ends the process when its stop takes too long: a file of a caller, or a repository, may be on a filesystem that never
// answers.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/std.h"

namespace northstar {

class StopBound {
public:
    // From now on. What makes it late may be ended by `help`, on a thread of its own, after `patience`; if there is no
    // end a second later, the process exits with status 1 as it is. Mounts stay, and the next start puts right what was
    // under way.
    StopBound(std::chrono::milliseconds patience, std::function<void()> help);
    // Not later than the last thing that may hang.
    ~StopBound();
    StopBound(const StopBound&) = delete;
    StopBound& operator=(const StopBound&) = delete;

private:
    void watch(std::chrono::milliseconds patience, const std::function<void()>& help);

    std::mutex mutex_;
    std::condition_variable changed_;
    bool ended_ = false;
    std::thread thread_;  // last: it uses the others
};

}  // namespace northstar
