// SPDX-License-Identifier: Apache-2.0
// The worker pool. Jobs with the same key run one after the other in the order submitted; all others in parallel.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace northstar {

class Executor {
public:
    // threads 0: one per processor.
    explicit Executor(unsigned threads);
    ~Executor();
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;

    // Runs what is queued to the end, then joins the threads. Nothing may be submitted after it.
    void drain();

    // From any thread. The job must not throw. An empty key orders it with nothing.
    void submit(std::string key, std::function<void()> job);

private:
    struct Job {
        std::string key;
        std::function<void()> run;
    };
    void work();
    std::deque<Job>::iterator nextRunnable();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Job> queue_;
    std::set<std::string> running_;  // keys of the jobs that run now
    bool stopping_ = false;
    std::vector<std::thread> threads_;  // last: they use all of the above
};

}  // namespace northstar
