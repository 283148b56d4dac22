// SPDX-License-Identifier: Apache-2.0
// Tells when clients leave the bus, for calls that would go on for long without them. One match rule for all of them,
// and only while one is watched: the bus allows a connection a number of rules. Bus thread only.
#pragma once

#include <stop_token>

#include "async/event_loop.h"
#include "base/std.h"
#include "sdbus/compat.h"

namespace northstar::bus {

class ClientWatch {
public:
    ClientWatch(sdbus::IConnection& bus, EventLoop& loop) : bus_{bus}, loop_{loop} {}

    // For Call::watch: watches this client (a unique bus name) from the first time it is called on, until it and all
    // its copies are gone. The token fires when the client has left.
    [[nodiscard]] std::function<std::stop_token()> watcher(const std::string& client);

private:
    using Source = std::shared_ptr<std::stop_source>;
    Source watch(const std::string& client);
    void left(const std::string& client);
    void forget(const std::string& client);

    sdbus::IConnection& bus_;
    EventLoop& loop_;
    std::map<std::string, std::weak_ptr<std::stop_source>> clients_;
    sdbus::Slot match_;
};

}  // namespace northstar::bus
