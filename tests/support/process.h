// SPDX-License-Identifier: Apache-2.0
// A child process of a test: started by its arguments, its output caught, ended by its own pid only.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace northstar::test {

class Process {
public:
    // argv[0] is looked up in PATH. Standard output and error go into one pipe.
    explicit Process(const std::vector<std::string>& argv);
    // Ends it with SIGTERM, and with SIGKILL five seconds later.
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    // One line of output without its end; what there is at the end of the output or after the time.
    std::string readLine(std::chrono::milliseconds timeout = std::chrono::seconds{10});
    // All output until it ends.
    std::string readAll(std::chrono::milliseconds timeout = std::chrono::seconds{10});
    void signal(int number) const;
    // Exit status, 128 + signal as a shell would say; nullopt if it still runs after the time.
    std::optional<int> wait(std::chrono::milliseconds timeout = std::chrono::seconds{10});

private:
    bool readMore(std::chrono::steady_clock::time_point deadline);

    UniqueFd output_;
    std::string text_;
    pid_t pid_ = -1;
    std::optional<int> status_;
};

}  // namespace northstar::test
