// SPDX-License-Identifier: Apache-2.0
// Runs a task on a loop until it has ended, with a bound: what never ends fails the test instead of blocking it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <coroutine>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "async/event_loop.h"
#include "async/scope.h"
#include "async/task.h"

namespace northstar::test {

// Turns the loop until `done` says so. If that takes 30 seconds it ends the program: what waits could not be freed.
template <typename Done>
void turnUntil(EventLoop& loop, Done done) {
    auto late = std::make_shared<bool>(false);
    loop.after(std::chrono::seconds{30}, [late] { *late = true; });
    while (!done()) {
        if (*late) {
            ADD_FAILURE() << "still waiting after 30 seconds";
            std::abort();
        }
        loop.runOnce();
    }
}

inline Task<> keepError(Task<> task, std::exception_ptr& error) {
    try {
        co_await task;
    } catch (...) {
        error = std::current_exception();
    }
}

// Throws what the task throws.
inline void run(EventLoop& loop, Task<> task) {
    std::exception_ptr error;
    Scope scope;
    scope.spawn(keepError(std::move(task), error));
    turnUntil(loop, [&] { return scope.empty(); });
    if (error) std::rethrow_exception(error);
}

template <typename T>
Task<> keepValue(Task<T> task, std::optional<T>& value) {
    value.emplace(co_await task);
}

template <typename T>
    requires(!std::is_void_v<T>)
T run(EventLoop& loop, Task<T> task) {
    std::optional<T> value;
    run(loop, keepValue(std::move(task), value));
    return std::move(*value);
}

// Suspends until the next turn of the loop.
inline Task<> nextTurn(EventLoop& loop) {
    struct Posted {
        EventLoop& loop;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> waiter) const { loop.post(waiter); }
        void await_resume() const noexcept {}
    };
    Posted posted{loop};
    co_await posted;
}

// Suspends until somebody opens it.
class Gate {
public:
    Task<> passed() {
        struct Waiting {
            Gate& gate;
            bool await_ready() const noexcept { return gate.open_; }
            void await_suspend(std::coroutine_handle<> waiter) const { gate.waiting_.push_back(waiter); }
            void await_resume() const noexcept {}
        };
        Waiting waiting{*this};
        co_await waiting;
    }
    void open() {
        open_ = true;
        for (const auto& waiter : std::exchange(waiting_, {})) waiter.resume();
    }

private:
    bool open_ = false;
    std::vector<std::coroutine_handle<>> waiting_;
};

}  // namespace northstar::test
