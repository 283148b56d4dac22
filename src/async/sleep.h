// SPDX-License-Identifier: Apache-2.0
// Lets time pass without blocking the thread: co_await sleep(loop, 20ms); not shorter, longer if the loop is busy.
#pragma once

#include <chrono>

#include "async/callback.h"
#include "async/event_loop.h"
#include "async/task.h"

namespace northstar {

inline Task<> sleep(EventLoop& loop, std::chrono::milliseconds delay) {
    Callback<void> timer{[&](const Callback<void>::Complete& complete) { loop.after(delay, complete); }};
    co_await timer;
}

}  // namespace northstar
