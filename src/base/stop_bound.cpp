// SPDX-License-Identifier: Apache-2.0
#include "base/stop_bound.h"

#include <unistd.h>

#include <system_error>

#include "base/log.h"

namespace northstar {

using namespace std::chrono_literals;

StopBound::StopBound(std::chrono::milliseconds patience, std::function<void()> help) {
    try {
        thread_ = std::thread{[this, patience, help = std::move(help)] { watch(patience, help); }};
    } catch (const std::system_error& error) {
        log::warn("The stop has no bound, as no thread can be started: {}", error.what());
    }
}

StopBound::~StopBound() {
    {
        const std::lock_guard lock{mutex_};
        ended_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void StopBound::watch(std::chrono::milliseconds patience, const std::function<void()>& help) {
    std::unique_lock lock{mutex_};
    const auto ended = [this] { return ended_; };
    if (changed_.wait_for(lock, patience, ended)) return;
    log::warn("The stop has taken {} ms: giving up files that do not answer", patience.count());
    help();
    if (changed_.wait_for(lock, 1s, ended)) return;
    log::error("The stop does not end: exiting with work under way, which the next start puts right");
    ::_exit(1);
}

}  // namespace northstar
