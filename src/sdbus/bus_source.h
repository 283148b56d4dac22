// SPDX-License-Identifier: Apache-2.0
// The bus connection as a source of the event loop. Bus thread only.
#pragma once

#include "async/event_loop.h"
#include "base/std.h"
#include "sdbus/compat.h"

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
};

}  // namespace northstar::bus
