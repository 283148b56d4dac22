// SPDX-License-Identifier: Apache-2.0
// The bus connection as a source of the event loop, made and used on its thread.
#pragma once

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
    void process() override;
    int prepare(std::vector<pollfd>& fds) override;

private:
    sdbus::IConnection& bus_;
    ReceivedFds received_;
};

}  // namespace northstar::bus
