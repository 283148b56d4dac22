// SPDX-License-Identifier: Apache-2.0
// How far the work has come: a bar on a terminal, a line a second elsewhere if that was asked for.
#pragma once

#include <atomic>
#include <chrono>

#include "base/std.h"

namespace northstar::npk {

class Progress {
public:
    enum class Form { None, Bar, Lines };

    // Bar if standard error is a terminal, else Lines if asked for, else None.
    [[nodiscard]] static Form choose(bool asked);

    // `what` begins each line: "hashing". `total`: bytes; 0 if that is not known.
    Progress(Form form, std::string what, std::uint64_t total);
    // Takes the bar away.
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // So many bytes more. Any thread.
    void add(std::uint64_t bytes) noexcept;
    // So many in all, by the one thread that counts.
    void set(std::uint64_t bytes) noexcept;

private:
    using Clock = std::chrono::steady_clock;
    void show() noexcept;

    const Form form_;
    const std::string what_;
    const std::uint64_t total_;
    std::atomic<std::uint64_t> done_{0};
    std::atomic<Clock::rep> next_;
    std::atomic<bool> shown_{false};
};

// "12.3 MiB"
[[nodiscard]] std::string sizeText(std::uint64_t bytes);

}  // namespace northstar::npk
