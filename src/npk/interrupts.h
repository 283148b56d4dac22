// SPDX-License-Identifier: Apache-2.0
// Ctrl-C, and the other signals that end a program: they ask for a stop, so that what is half made is taken away.
#pragma once

#include <stop_token>
#include <thread>

#include "base/unique_fd.h"

namespace northstar::npk {

// One a program, made before any other thread: from then on SIGINT, SIGTERM and SIGHUP are blocked in all of them. A
// signal that was ignored before (nohup) stays so. Throws Failed.
class Interrupts {
public:
    Interrupts();
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;

    // Stop is requested by the first signal.
    [[nodiscard]] std::stop_token token() const noexcept { return stop_.get_token(); }

    // Ends the program by the signal that came, as if it had never been blocked; returns if none came. Afterwards none
    // is waited for any more.
    void die();

private:
    void watch();
    void endWatch();

    UniqueFd signals_, end_;
    std::stop_source stop_;
    int signal_ = 0;  // written before stop is requested
    std::jthread thread_;
};

}  // namespace northstar::npk
