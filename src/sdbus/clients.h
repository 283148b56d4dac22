// SPDX-License-Identifier: Apache-2.0
// The connections that call: whose they are, and when they leave. The bus is asked once for each, without waiting for
// its answer, and what it said is kept until the connection leaves. One match rule tells of all that leave; it is held
// only while there are some. Bus thread only.
#pragma once

#include <sys/types.h>

#include <deque>
#include <stop_token>

#include "async/callback.h"
#include "async/task.h"
#include "base/std.h"
#include "sdbus/compat.h"

namespace northstar::bus {

class Clients {
public:
    explicit Clients(sdbus::IConnection& bus);

    struct Client {
        std::string name;  // the unique bus name
        std::optional<uid_t> euid{};
        std::string failure{};    // why the bus does not tell
        std::stop_source left{};  // fires when it has left the bus
        std::vector<Callback<void>::Complete> waiting{};
    };
    // Whoever sent this.
    [[nodiscard]] std::shared_ptr<Client> senderOf(const sdbus::Message& message);

    // Returns once its euid is known: as the bus saw it when the client connected. Who waits goes on in the order of
    // their calls. Throws AccessDenied if the bus does not tell: the client has left, as a rule. `method`: for the log,
    // must outlive the task.
    Task<> known(std::shared_ptr<Client> client, std::string_view method);

    // Nothing more will be heard from the bus: who waits is refused.
    void giveUp();

private:
    void askSome();
    void ask(const std::string& name);
    void answer(const std::string& name, std::optional<uid_t> euid, const std::string& failure);
    void watchForLeaving(sd_bus* bus);
    void left(const std::string& name);

    std::unique_ptr<sdbus::IProxy> driver_;
    std::map<std::string, std::shared_ptr<Client>> clients_;
    std::deque<std::string> unasked_;
    std::size_t asked_ = 0;
    std::unique_ptr<sd_bus_slot, sd_bus_slot* (*)(sd_bus_slot*)> match_{nullptr, sd_bus_slot_unref};
};

}  // namespace northstar::bus
