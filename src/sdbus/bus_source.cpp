// SPDX-License-Identifier: Apache-2.0
#include "sdbus/bus_source.h"

#include <chrono>

namespace northstar::bus {

// A client that floods us must not keep workers' results, timers and the watchdog waiting. While messages are queued
// the bus's poll time-out is 0, so what is left comes next.
void BusSource::process() {
    constexpr int kMost = 64;
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{50};
    for (int i = 0; i < kMost && processOne(bus_) && std::chrono::steady_clock::now() < end; ++i) received_.sweep();
}

int BusSource::prepare(std::vector<pollfd>& fds) {
    const BusPoll poll = pollData(bus_);
    fds.push_back({poll.fd, poll.events, 0});
    if (poll.wakeFd >= 0) fds.push_back({poll.wakeFd, POLLIN, 0});
    return poll.timeoutMs;
}

}  // namespace northstar::bus
