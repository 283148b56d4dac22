// SPDX-License-Identifier: Apache-2.0
// Starts tasks that nobody awaits, and waits for all of them at the end.
//
//     Scope calls;
//     calls.spawn(answer(request));   // runs now until it has to wait; its frame goes when it ends
//     ...
//     co_await calls.joined();        // before what the tasks use goes, and before the scope goes
//
// The scope owns the tasks. They handle their errors themselves: an exception that leaves one is a programming error
// and ends the process. Loop's thread only.
#pragma once

#include "async/task.h"
#include "base/std.h"

namespace northstar {

class Scope {
public:
    Scope() : state_{std::make_shared<State>()} {}
    // With work left it is a programming error: aborts in debug builds, and else logs it and lets the work go on.
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

    void spawn(Task<> task);

    // Returns when all have ended, also those that were spawned meanwhile. Not for a task of this scope: it would wait
    // for itself.
    [[nodiscard]] Task<> joined() { return joined(state_); }

    // How many have not ended.
    [[nodiscard]] std::size_t size() const { return state_->running; }
    [[nodiscard]] bool empty() const { return size() == 0; }

private:
    // Shared with the tasks, for those that end after the scope.
    struct State {
        std::size_t running = 0;
        std::vector<std::function<void()>> joining;
    };
    struct Runner;
    static Runner run(std::shared_ptr<State> state, Task<> task);
    static Task<> joined(std::shared_ptr<State> state);

    std::shared_ptr<State> state_;
};

}  // namespace northstar
