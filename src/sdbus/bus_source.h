// SPDX-License-Identifier: Apache-2.0
// The bus connection as a source of the event loop, made and used on its thread.
#pragma once

#include <chrono>

#include "async/event_loop.h"
#include "base/std.h"
#include "sdbus/compat.h"
#include "sdbus/received_fds.h"

namespace northstar::bus {

class BusSource : public EventSource {
public:
    // The connection must outlive it.
    explicit BusSource(sdbus::IConnection& bus) : bus_{bus} {}

    // Both throw sdbus::Error when the bus is lost.
    //
    // A client that floods us must not keep workers' results, timers and the watchdog waiting. While messages are
    // queued the bus's poll time-out is 0, so what is left comes next.
    void process() override {
        constexpr int kMost = 64;
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{50};
        for (int i = 0; i < kMost && processOne(bus_); ++i) {
            received_.sweep();
            if (std::chrono::steady_clock::now() >= end) break;
        }
    }

    int prepare(std::vector<pollfd>& fds) override { return preparePoll(bus_, fds); }

private:
    sdbus::IConnection& bus_;
    ReceivedFds received_;
};

}  // namespace northstar::bus
