// SPDX-License-Identifier: Apache-2.0
// A gate that is opened once, for good: whoever comes before that waits in front of it.
//
//     co_await gate.pass(client);         // until it is open
//     co_await gate.passBehind(client);   // only if somebody of this name waits: nobody overtakes himself
//
// Loop's thread only. `name` is borrowed until the task has ended.
#pragma once

#include "async/callback.h"
#include "async/task.h"
#include "base/error.h"
#include "base/std.h"

namespace northstar {

class Gate {
public:
    // Throws what it was opened with.
    Task<> pass(const std::string& name) {
        if (!open_) {
            Callback<void> opened{
                [&](const Callback<void>::Complete& complete) { waiting_.emplace_back(name, complete); }};
            co_await opened;
        }
        if (refusal_) throw Error{*refusal_};
    }
    Task<> passBehind(const std::string& name) {
        if (std::ranges::none_of(waiting_, [&](const auto& waiter) { return waiter.first == name; })) co_return;
        co_await pass(name);
    }

    [[nodiscard]] bool isOpen() const noexcept { return open_; }

    // Those who wait go on within this, in the order in which they came. With a refusal it throws for everybody.
    void open(std::optional<Error> refusal = std::nullopt) {
        refusal_ = std::move(refusal);
        open_ = true;
        for (const auto& [name, wake] : std::exchange(waiting_, {})) wake();
    }

private:
    bool open_ = false;
    std::optional<Error> refusal_;
    std::vector<std::pair<std::string, Callback<void>::Complete>> waiting_;
};

}  // namespace northstar
