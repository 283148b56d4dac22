// SPDX-License-Identifier: Apache-2.0
// Tells when a client leaves the bus, for calls that would go on for long without it. One match a client, and only
// while something waits. Bus thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "async/event_loop.h"
#include "sdbus/compat.h"

namespace northstar::bus {

class ClientWatch {
public:
    ClientWatch(sdbus::IConnection& bus, EventLoop& loop) : bus_{bus}, loop_{loop} {}

    // The callback runs once if the client leaves before the ticket is destroyed.
    using Ticket = std::shared_ptr<void>;
    [[nodiscard]] Ticket onLeave(const std::string& client, std::function<void()> callback);

private:
    struct Client {
        sdbus::Slot match;
        std::map<std::uint64_t, std::function<void()>> callbacks;
    };
    void left(const std::string& client);
    void forget(const std::string& client, std::uint64_t id);

    sdbus::IConnection& bus_;
    EventLoop& loop_;
    std::map<std::string, Client> clients_;
    std::uint64_t next_ = 0;
};

}  // namespace northstar::bus
