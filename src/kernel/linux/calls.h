// SPDX-License-Identifier: Apache-2.0
// Calling the kernel: which system calls to begin with, waiting where it offers nothing to wait on, and its small
// files.
#pragma once

#include <chrono>

#include "base/std.h"

namespace northstar {

// Begin with the new calls where newer kernels have better ones? What the kernel lacks is noticed either way.
enum class Calls { Newest, Old };

// Growing, randomised pauses up to one deadline.
class Backoff {
public:
    // Pauses start at `first` and double up to `longest`; each is drawn from the upper half of its range, so
    // that threads that collided once do not collide again. The clock starts now.
    Backoff(std::chrono::milliseconds timeout, std::chrono::microseconds first, std::chrono::microseconds longest)
        : deadline_{std::chrono::steady_clock::now() + timeout}, next_{first}, longest_{longest} {}

    // Sleeps, at most until the deadline. False, without sleeping, if the deadline has passed.
    [[nodiscard]] bool pause();

private:
    std::chrono::steady_clock::time_point deadline_;
    std::chrono::microseconds next_, longest_;
};

// Does an error tell of the process or the system being short of something, and nothing of what was asked for?
[[nodiscard]] constexpr bool isShortage(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == EINTR || error == EAGAIN;
}

// First line of a small file of sysfs or procfs, without the newline; nullopt if it cannot be read (device gone,
// attribute unknown). Reading a device's attribute neither opens the device nor keeps it alive. Throws Failed if there
// is nothing to open it with.
[[nodiscard]] std::optional<std::string> readLine(const std::string& path);

}  // namespace northstar
