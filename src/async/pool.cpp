// SPDX-License-Identifier: Apache-2.0
#include "async/pool.h"

#include <system_error>

#include "base/error.h"

namespace northstar {

Pool::Pool(EventLoop& loop, unsigned threads, unsigned perUser)
    : loop_{loop}, most_{threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency())},
      perUser_{perUser} {}

void Pool::drain() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

void Pool::submit(std::function<void()> job, std::uint32_t user) {
    {
        const std::lock_guard lock{mutex_};
        if (stopping_) throw Error{Code::Failed, "Cannot start more work: the service is shutting down"};
        if (queued_ >= idle_ && threads_.size() < most_) startThread();
        users_[user].jobs.push_back(std::move(job));
        ++queued_;
    }
    changed_.notify_one();
}

void Pool::startThread() {
    try {
        threads_.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
        if (threads_.empty()) throw Error{Code::Failed, std::string{"Cannot start a worker thread: "} + error.what()};
    }
}

Pool::Users::iterator Pool::next() {
    const auto mayRun = [&](const auto& user) {
        return !user.second.jobs.empty() && (perUser_ == 0 || user.second.running < perUser_);
    };
    const auto behindLast = users_.upper_bound(last_);
    const auto found = std::find_if(behindLast, users_.end(), mayRun);
    if (found != users_.end()) return found;
    const auto before = std::find_if(users_.begin(), behindLast, mayRun);
    return before == behindLast ? users_.end() : before;
}

void Pool::work() {
    std::unique_lock lock{mutex_};
    for (;;) {
        auto user = users_.end();
        ++idle_;
        changed_.wait(lock, [&] { return (user = next()) != users_.end() || (stopping_ && queued_ == 0); });
        --idle_;
        if (user == users_.end()) return;
        last_ = user->first;
        auto job = std::move(user->second.jobs.front());
        user->second.jobs.pop_front();
        ++user->second.running;
        --queued_;
        lock.unlock();
        job();
        job = nullptr;
        lock.lock();
        --user->second.running;  // it stays while a job of it runs
        if (user->second.running == 0 && user->second.jobs.empty()) users_.erase(user);
        if (stopping_ && queued_ == 0) changed_.notify_all();
    }
}

}  // namespace northstar
