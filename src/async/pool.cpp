// SPDX-License-Identifier: Apache-2.0
#include "async/pool.h"

#include "base/error.h"

namespace northstar {

Pool::Pool(EventLoop& loop, unsigned threads) : loop_{loop} {
    const unsigned count = threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
}

void Pool::drain() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

void Pool::submit(std::function<void()> job) {
    {
        const std::lock_guard lock{mutex_};
        if (stopping_) throw Error{Code::Failed, "Cannot start more work: the service is shutting down"};
        queue_.push_back(std::move(job));
    }
    changed_.notify_one();
}

void Pool::work() {
    std::unique_lock lock{mutex_};
    for (;;) {
        changed_.wait(lock, [&] { return !queue_.empty() || stopping_; });
        if (queue_.empty()) return;
        auto job = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        job();
        job = nullptr;
        lock.lock();
    }
}

}  // namespace northstar
