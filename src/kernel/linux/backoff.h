// SPDX-License-Identifier: Apache-2.0
// Waiting for the kernel where it offers nothing to wait on: growing, randomised pauses up to one deadline.
#pragma once

#include <chrono>

namespace northstar {

class Backoff {
public:
    // Pauses start at `first` and double up to `longest`; each is drawn from the upper half of its range, so
    // that threads that collided once do not collide again. The clock starts now.
    Backoff(std::chrono::milliseconds timeout, std::chrono::microseconds first, std::chrono::microseconds longest);

    // Sleeps, at most until the deadline. False, without sleeping, if the deadline has passed.
    [[nodiscard]] bool pause();

private:
    std::chrono::steady_clock::time_point deadline_;
    std::chrono::microseconds next_, longest_;
};

}  // namespace northstar
