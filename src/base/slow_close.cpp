// SPDX-License-Identifier: Apache-2.0
#include "base/slow_close.h"

#include <chrono>
#include <system_error>
#include <thread>

#include "base/log.h"

namespace northstar {
namespace {

constexpr std::chrono::seconds kIdle{10};  // a thread that has nothing to close ends

}  // namespace

SlowClose& SlowClose::instance() {
    static auto* const all = new SlowClose;
    return *all;
}

void SlowClose::close(UniqueFd fd, uid_t owner) {
    if (!fd) return;
    const std::lock_guard lock{mutex_};
    Owner& of = owners_[owner];
    of.waiting.push_back(std::move(fd));
    if (of.waiting.size() <= of.idle || of.threads == kThreads) return of.more.notify_one();
    try {
        std::thread{[this, owner] { work(owner); }}.detach();
        ++of.threads;
    } catch (const std::system_error& error) {  // it waits for another thread, or for the next call
        log::warn("Cannot start a thread that closes files of user {}: {}", owner, error.what());
    }
}

void SlowClose::work(uid_t owner) {
    std::unique_lock lock{mutex_};
    Owner& of = owners_[owner];
    for (;;) {
        ++of.idle;
        const bool found = of.more.wait_for(lock, kIdle, [&] { return !of.waiting.empty(); });
        --of.idle;
        if (!found) break;
        UniqueFd fd = std::move(of.waiting.front());
        of.waiting.pop_front();
        lock.unlock();
        fd.reset();
        lock.lock();
    }
    if (--of.threads == 0) owners_.erase(owner);
}

}  // namespace northstar
