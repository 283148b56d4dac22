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
// Jobs start in the order in which they are awaited, and are ordered by nothing else. The function is destroyed on the
// worker, right after it ran and before its result is on its way, so what it captured may block when it is closed.
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
    // The loop is borrowed and outlives the pool. threads 0: one per processor.
    Pool(EventLoop& loop, unsigned threads);
    ~Pool() { drain(); }
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    // Runs what is queued to the end, then joins the threads; run() fails from now on. Results still go to the loop: if
    // it has stopped nobody gets them, and the tasks that wait for them never end. Loop's thread only.
    void drain();

    // Runs the function, which returns nothing or a value that can be moved, on a worker. Loop's thread only. Throws
    // Error{Failed} after drain().
    template <typename F>
    Task<std::invoke_result_t<F&>> run(F function) {
        return finish(std::make_unique<F>(std::move(function)));
    }

private:
    template <typename F>
    Task<std::invoke_result_t<F&>> finish(std::unique_ptr<F> function);
    void submit(std::function<void()> job);
    void work();

    EventLoop& loop_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> queue_;  // under mutex_, as the next
    bool stopping_ = false;
    std::vector<std::thread> threads_;  // last: they use all of the above
};

// The worker writes to this frame, which waits; the loop's lock is between its last write and our first read.
template <typename F>
Task<std::invoke_result_t<F&>> Pool::finish(std::unique_ptr<F> function) {
    std::packaged_task<std::invoke_result_t<F&>()> execute{[&] {
        const std::unique_ptr<F> once{std::move(function)};
        return (*once)();
    }};
    Callback<void> ended{[&](const Callback<void>::Complete& complete) {
        submit([this, &execute, complete] {
            execute();
            loop_.post(complete);
        });
    }};
    co_await ended;
    co_return execute.get_future().get();
}

}  // namespace northstar
