// SPDX-License-Identifier: Apache-2.0
// Calls as coroutines: a call reads from top to bottom although it waits for polkit and for workers on the way.
// All of it runs on the bus thread; only the function given to a Work runs on a worker.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "async/callback.h"
#include "async/event_loop.h"
#include "async/executor.h"

namespace northstar {

// A coroutine that yields one value or throws; starts when it is awaited, and is awaited once. T is not void.
template <typename T>
class [[nodiscard]] Async {
public:
    struct promise_type {
        std::optional<T> value;
        std::exception_ptr error;
        std::coroutine_handle<> continuation;

        struct Final {
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
                return self.promise().continuation;
            }
            void await_resume() noexcept {}
        };
        Async get_return_object() { return Async{std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        Final final_suspend() noexcept { return {}; }
        void return_value(T result) { value.emplace(std::move(result)); }
        void unhandled_exception() { error = std::current_exception(); }
    };

    Async(Async&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}
    Async(const Async&) = delete;
    Async& operator=(const Async&) = delete;
    Async& operator=(Async&&) = delete;
    ~Async() {
        if (handle_) handle_.destroy();
    }

    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept {
        handle_.promise().continuation = waiter;
        return handle_;
    }
    T await_resume() {
        if (handle_.promise().error) std::rethrow_exception(handle_.promise().error);
        return std::move(*handle_.promise().value);
    }

private:
    explicit Async(std::coroutine_handle<promise_type> handle) : handle_{handle} {}
    std::coroutine_handle<promise_type> handle_;
};

// What a coroutine with nothing to say yields.
struct Done {};

// A coroutine that nobody waits for: starts at once. Its body must catch everything.
struct Detached {
    struct promise_type {
        Detached get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
};

// Runs a function on a worker and comes back to the bus thread with its result: auto job = Work{...}; co_await job;
template <typename Function>
class Work {
public:
    Work(Executor& executor, EventLoop& loop, std::string key, Function function)
        : executor_{executor}, loop_{loop}, key_{std::move(key)}, function_{std::move(function)} {}
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;

    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        executor_.submit(std::move(key_), [this, waiter] {
            try {
                result_.emplace(function_());
            } catch (...) {
                error_ = std::current_exception();
            }
            loop_.post([waiter] { waiter.resume(); });
        });
    }
    auto await_resume() {
        if (error_) std::rethrow_exception(error_);
        return std::move(*result_);
    }

private:
    Executor& executor_;
    EventLoop& loop_;
    std::string key_;
    Function function_;
    std::optional<std::invoke_result_t<Function&>> result_;
    std::exception_ptr error_;
};

}  // namespace northstar
