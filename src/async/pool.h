// SPDX-License-Identifier: Apache-2.0
// Worker threads for what blocks: a task hands a function to them and comes back to the loop with its result.
//
//     auto job = pool.run([path] { return readManifest(path); });  // a value for the worker: nothing shared
//     const Manifest manifest = co_await job;                      // throws what the function throws
//
// Always in two statements, as here. With GCC 12 co_await pool.run([path] {...}) destroys what the lambda owns twice:
// a lambda made in the expression that awaits is copied bit by bit into the frame (async/task.h). Also safe is
//
//     auto read = [path] { return readManifest(path); };
//     const Manifest manifest = co_await pool.run(std::move(read));
//
// but then what cannot be moved (a capture of a const variable is const) lives in `read` until that goes.
//
// Users are served in turn, so that the many jobs of one keep the few of another waiting for one job at most; of one
// user they start in the order in which they are awaited. They are ordered by nothing else. The function is destroyed
// on the worker, right after it ran and before its result is on its way, so what it captured may block when it is
// closed.
#pragma once

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <type_traits>

#include "async/callback.h"
#include "async/event_loop.h"
#include "async/task.h"
#include "base/std.h"

namespace northstar {

class Pool {
public:
    // The loop is borrowed and outlives the pool. `threads`: as many are started as are needed, up to this; 0: one per
    // processor. `perUser`: as many jobs of one user run at a time; 0: no limit.
    explicit Pool(EventLoop& loop, unsigned threads = 0, unsigned perUser = 0);
    ~Pool() { drain(); }
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    // Runs what is queued to the end, then joins the threads; run() fails from now on. Results still go to the loop: if
    // it has stopped nobody gets them, and the tasks that wait for them never end. Loop's thread only.
    void drain();

    // Runs the function, which returns nothing or a value that can be moved, on a worker. Loop's thread only. Throws
    // Error{Failed} after drain(), or if there is no thread and none can be started.
    template <typename F>
    Task<std::invoke_result_t<F&>> run(F function, std::uint32_t user = 0) {
        return finish(std::make_unique<F>(std::move(function)), user);
    }

private:
    template <typename F>
    Task<std::invoke_result_t<F&>> finish(std::unique_ptr<F> function, std::uint32_t user);
    void submit(std::function<void()> job, std::uint32_t user);
    void startThread();
    void work();

    struct User {
        std::deque<std::function<void()>> jobs{};
        unsigned running = 0;
    };
    using Users = std::map<std::uint32_t, User>;
    // Whose turn it is, of those who have a job that may run now.
    Users::iterator next();

    EventLoop& loop_;
    const unsigned most_, perUser_;
    std::mutex mutex_;
    std::condition_variable changed_;
    Users users_;  // under mutex_, as the next
    std::uint32_t last_ = 0;
    std::size_t queued_ = 0, idle_ = 0;
    bool stopping_ = false;
    std::vector<std::thread> threads_;  // last: they use all of the above
};

// The worker writes to this frame, which waits; the loop's lock is between its last write and our first read.
template <typename F>
Task<std::invoke_result_t<F&>> Pool::finish(std::unique_ptr<F> function, std::uint32_t user) {
    std::packaged_task<std::invoke_result_t<F&>()> execute{[&] {
        const std::unique_ptr<F> once{std::move(function)};
        return (*once)();
    }};
    Callback<void> ended{[&](const Callback<void>::Complete& complete) {
        const auto job = [this, &execute, complete] {
            execute();
            loop_.post(complete);
        };
        submit(job, user);
    }};
    co_await ended;
    co_return execute.get_future().get();
}

}  // namespace northstar
