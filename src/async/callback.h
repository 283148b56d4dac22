// SPDX-License-Identifier: Apache-2.0
// Waits for a callback: `start` gets the function to call, exactly once, now or later, on the loop's thread.
//
//     Callback<Reply> reply{[&](const Callback<Reply>::Complete& complete) { proxy.callAsync(method, complete); }};
//     const Reply answer = co_await reply;
//
// A named local that is awaited once, as here (async/task.h says why named). It must live until it is completed: one
// that never is keeps its waiter for ever. What `start` throws comes out of the co_await, unless it has passed the
// function on.
//
// sleep() is made of one.
#pragma once

#include <chrono>
#include <coroutine>
#include <type_traits>
#include <variant>

#include "async/event_loop.h"
#include "async/task.h"
#include "base/std.h"

namespace northstar {

namespace detail {

template <typename T>
struct CompleteOf {
    using type = std::function<void(T)>;
};
template <>
struct CompleteOf<void> {
    using type = std::function<void()>;
};

}  // namespace detail

template <typename T>
class Callback {
public:
    using Complete = typename detail::CompleteOf<T>::type;
    explicit Callback(std::function<void(Complete)> start) : start_{std::move(start)} {}
    Callback(const Callback&) = delete;
    Callback& operator=(const Callback&) = delete;

    bool await_ready() noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiter) {
        starting_ = true;
        start_([this, waiter](auto... value) {
            value_.emplace(std::move(value)...);
            if (!starting_) waiter.resume();
        });
        starting_ = false;
        return !value_;  // completed already: carry on
    }
    T await_resume() {
        if constexpr (!std::is_void_v<T>) return std::move(*value_);
    }

private:
    using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
    std::function<void(Complete)> start_;
    std::optional<Value> value_;
    bool starting_ = false;
};

// Lets time pass without blocking the thread: co_await sleep(loop, 20ms); not shorter, longer if the loop is busy.
inline Task<> sleep(EventLoop& loop, std::chrono::milliseconds delay) {
    Callback<void> timer{[&](const Callback<void>::Complete& complete) { loop.after(delay, complete); }};
    co_await timer;
}

}  // namespace northstar
