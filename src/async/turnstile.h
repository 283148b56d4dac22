// SPDX-License-Identifier: Apache-2.0
// Lets calls that change the repositories through one at a time, in the order they came, without blocking the thread.
// Bus thread only.
#pragma once

#include <deque>
#include <functional>

#include "async/legacy.h"

namespace northstar {

class Turnstile {
public:
    // Lets the next one through when it is destroyed.
    class Pass {
    public:
        explicit Pass(Turnstile& turnstile) : turnstile_{&turnstile} {}
        Pass(Pass&& other) noexcept : turnstile_{std::exchange(other.turnstile_, nullptr)} {}
        Pass(const Pass&) = delete;
        Pass& operator=(const Pass&) = delete;
        Pass& operator=(Pass&&) = delete;
        ~Pass() {
            if (turnstile_ != nullptr) turnstile_->leave();
        }

    private:
        Turnstile* turnstile_;
    };

    explicit Turnstile(EventLoop& loop) : loop_{loop} {}

    Async<Pass> enter() {
        if (taken_) {
            Callback<Done> turn{[this](const Callback<Done>::Complete& complete) { waiting_.push_back(complete); }};
            co_await turn;
        }
        taken_ = true;
        co_return Pass{*this};
    }

private:
    void leave() {
        if (waiting_.empty()) {
            taken_ = false;
            return;
        }
        // Posted: the one who leaves is in the middle of its destruction. It stays taken, so nobody can push in.
        auto next = std::move(waiting_.front());
        waiting_.pop_front();
        loop_.post([next = std::move(next)] { next(Done{}); });
    }

    EventLoop& loop_;
    bool taken_ = false;
    std::deque<std::function<void(Done)>> waiting_;
};

}  // namespace northstar
