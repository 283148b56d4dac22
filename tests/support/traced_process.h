// SPDX-License-Identifier: Apache-2.0
// Runs a function in a child process that is stopped before each of its system calls: to kill it at every step of
// what it does, or to see in which order it does things. Linux, ptrace(2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace northstar::test {

struct Trace {
    bool possible = false;             // false: this place does not let us trace
    bool finished = false;             // false: it was killed
    int status = 0;                    // exit status, if it finished
    std::vector<std::uint64_t> calls;  // numbers of the system calls that were begun; empty before Linux 5.3
};

// The function's result becomes the exit status. It is killed instead of its n-th system call, 0 the first one.
[[nodiscard]] Trace runTraced(const std::function<int()>& action,
                              std::size_t killInsteadOf = std::numeric_limits<std::size_t>::max());

}  // namespace northstar::test
