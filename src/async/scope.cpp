// SPDX-License-Identifier: Apache-2.0
#include "async/scope.h"

#include <spdlog/spdlog.h>

#include <coroutine>
#include <cstdlib>

#include "async/callback.h"

namespace northstar {

// Starts at once, and frees its frame when it ends.
struct Scope::Runner {
    struct promise_type {
        Runner get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept {
            const char* what = "not a std::exception";
            try {
                throw;
            } catch (const std::exception& error) {
                what = error.what();
            } catch (...) {}
            spdlog::critical("A task that nobody awaits has failed: {}", what);
            std::terminate();
        }
    };
};

Scope::~Scope() {
    if (empty()) return;
#ifndef NDEBUG
    spdlog::critical("A scope ends with {} tasks left", size());
    std::abort();
#else
    log::error("A scope ends with {} tasks left", size());
#endif
}

void Scope::spawn(Task<> task) {
    ++state_->running;
    run(state_, std::move(task));
}

Scope::Runner Scope::run(std::shared_ptr<State> state, Task<> task) {
    {
        Task<> running = std::move(task);  // what it holds goes before the scope is told
        co_await running;
    }
    if (--state->running > 0) co_return;
    for (const auto& resume : std::exchange(state->joining, {})) resume();
}

Task<> Scope::joined(std::shared_ptr<State> state) {
    while (state->running > 0) {
        Callback<void> ended{[&](const Callback<void>::Complete& complete) { state->joining.push_back(complete); }};
        co_await ended;
    }
}

}  // namespace northstar
