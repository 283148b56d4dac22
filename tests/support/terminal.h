// SPDX-License-Identifier: Apache-2.0
// A child process of a test on a pseudo-terminal of its own, as a person would have it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace northstar::test {

class Terminal {
public:
    // argv[0] is looked up in PATH; `prepare` runs in the child before. 80 columns, 24 lines.
    explicit Terminal(const std::vector<std::string>& argv, const std::function<void()>& prepare = {});
    // Ends it with SIGHUP, and with SIGKILL five seconds later.
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    void type(const std::string& text) const;
    // What it has shown so far, once that has this in it; what there is at the end or after the time.
    const std::string& waitFor(const std::string& part, std::chrono::milliseconds timeout = std::chrono::seconds{10});
    // All that it shows until it ends; its status as of Process::wait().
    std::string readAll(std::chrono::milliseconds timeout = std::chrono::seconds{10});
    std::optional<int> wait(std::chrono::milliseconds timeout = std::chrono::seconds{10});

private:
    bool readMore(std::chrono::steady_clock::time_point deadline);

    UniqueFd master_;
    std::string text_;
    pid_t pid_ = -1;
    std::optional<int> status_;
};

}  // namespace northstar::test
