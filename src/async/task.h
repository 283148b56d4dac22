// SPDX-License-Identifier: Apache-2.0
// A coroutine that yields one value, or nothing, or throws. It starts when it is awaited, and is awaited once.
//
//     Task<std::string> greeting(EventLoop& loop, std::string name) {  // the name by value
//         co_await sleep(loop, 10ms);
//         if (name.empty()) throw Error{Code::InvalidArgs, "Nobody to greet"};
//         co_return "Hello " + name;
//     }
//     Task<> greet(EventLoop& loop) {
//         const std::string text = co_await greeting(loop, "world");  // throws what greeting() throws
//         ...
//     }
//
// Who owns what:
// - The Task object owns the coroutine's frame. A task that was never awaited runs nothing and frees its frame.
// - A task that has started is kept until it has finished: by the one who awaits it, as a temporary or a local of his
//   own frame, or by a Scope (async/scope.h), which starts what nobody awaits. Nothing else starts a task.
// - Parameters of coroutines are values; references only to what outlives the full expression that awaits the task. A
//   task that is kept in a variable first must not have got a reference to a temporary.
// - A lambda that is a coroutine captures nothing: captures live in the lambda, not in the frame.
//
// GCC 12 copies some temporaries of an expression with a co_await bit by bit into the frame, and destroys both copies.
// So no such expression has in it
// - a lambda with captures that own something, nor what is made from one (a std::function):  co_await f([path] {...})
// - an aggregate made in place, with members that own something:                             co_await f(Options{name})
// - a ?: whose result is an object:                                   co_await f(b ? x : y), b ? co_await f() : "none"
// Give these a name in a statement before. Safe are temporaries made by a constructor or returned by a function, and
// lambdas that capture references and plain values only. A list in braces, co_await f({1, 2}), does not compile.
//
// Thread: all tasks run on the thread of the loop. Nothing here is locked.
//
// Stack: a task that finishes without waiting gives control back by returning, so a loop may await any number of them.
// Tasks that await tasks need stack for each level, as functions do.
#pragma once

#include <cassert>
#include <coroutine>

#include "base/std.h"

namespace northstar {

namespace detail {

struct TaskPromiseBase {
    std::coroutine_handle<> waiter;  // set once the task has had to wait
    std::exception_ptr error;

    struct Final {
        bool await_ready() noexcept { return false; }
        template <typename Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
            const std::coroutine_handle<> next = self.promise().waiter;
            return next ? next : std::noop_coroutine();
        }
        void await_resume() noexcept {}
    };
    std::suspend_always initial_suspend() noexcept { return {}; }
    Final final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { error = std::current_exception(); }
};

template <typename T>
struct TaskPromise : TaskPromiseBase {
    std::optional<T> value;

    void return_value(T result) { value.emplace(std::move(result)); }
    T take() {
        if (error) std::rethrow_exception(error);
        return std::move(*value);
    }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
    void return_void() noexcept {}
    void take() const {
        if (error) std::rethrow_exception(error);
    }
};

}  // namespace detail

template <typename T = void>
class [[nodiscard]] Task {
public:
    struct promise_type : detail::TaskPromise<T> {
        Task get_return_object() noexcept { return Task{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    };

    Task(Task&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}
    Task& operator=(Task&& other) noexcept {
        Task{std::move(other)}.swap(*this);
        return *this;
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task() {
        if (handle_) handle_.destroy();
    }
    void swap(Task& other) noexcept { std::swap(handle_, other.handle_); }

    bool await_ready() noexcept { return false; }
    // Runs the task until it has finished or has to wait. Only then is there somebody to resume: handing over to the
    // task and back (symmetric transfer) is a tail call only in optimized builds, and eats the stack in all others.
    bool await_suspend(std::coroutine_handle<> waiter) noexcept {
        assert(handle_ && !handle_.done());
        handle_.resume();
        if (handle_.done()) return false;
        handle_.promise().waiter = waiter;
        return true;
    }
    T await_resume() { return handle_.promise().take(); }

private:
    explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_{handle} {}
    std::coroutine_handle<promise_type> handle_;
};

}  // namespace northstar
