// SPDX-License-Identifier: Apache-2.0
#include "async/executor.h"

#include <algorithm>

namespace northstar {

Executor::Executor(unsigned threads) {
    const unsigned count = threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
}

Executor::~Executor() { drain(); }

void Executor::drain() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

void Executor::submit(std::string key, std::function<void()> job) {
    {
        const std::lock_guard lock{mutex_};
        queue_.push_back({std::move(key), std::move(job)});
    }
    changed_.notify_one();
}

// The first job whose key is free: an earlier one with the same key is in front of it, so order is kept.
std::deque<Executor::Job>::iterator Executor::nextRunnable() {
    return std::ranges::find_if(queue_, [&](const Job& job) { return job.key.empty() || !running_.contains(job.key); });
}

void Executor::work() {
    std::unique_lock lock{mutex_};
    for (;;) {
        auto next = queue_.end();
        changed_.wait(lock, [&] {
            next = nextRunnable();
            return next != queue_.end() || (stopping_ && queue_.empty());
        });
        if (next == queue_.end()) return;
        Job job = std::move(*next);
        queue_.erase(next);
        if (!job.key.empty()) running_.insert(job.key);
        lock.unlock();
        job.run();
        job.run = nullptr;  // what it captured goes before the next of this key starts
        lock.lock();
        running_.erase(job.key);
        changed_.notify_all();
    }
}

}  // namespace northstar
