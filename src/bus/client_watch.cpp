// SPDX-License-Identifier: Apache-2.0
#include "bus/client_watch.h"

namespace northstar::bus {

ClientWatch::Ticket ClientWatch::onLeave(const std::string& client, std::function<void()> callback) {
    const std::uint64_t id = ++next_;
    auto it = clients_.find(client);
    if (it == clients_.end()) {
        auto match = addMatch(bus_,
                              "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                              "member='NameOwnerChanged',arg0='" +
                                  client + "',arg2=''",
                              [this, client](IncomingMessage) { left(client); });
        it = clients_.emplace(client, Client{std::move(match), {}}).first;
    }
    it->second.callbacks[id] = std::move(callback);
    return {this, [client, id](ClientWatch* watch) { watch->forget(client, id); }};
}

void ClientWatch::left(const std::string& client) {
    const auto it = clients_.find(client);
    if (it == clients_.end()) return;
    const auto callbacks = std::move(it->second.callbacks);
    it->second.callbacks.clear();
    for (const auto& [id, callback] : callbacks) callback();
}

void ClientWatch::forget(const std::string& client, std::uint64_t id) {
    const auto it = clients_.find(client);
    if (it == clients_.end()) return;
    it->second.callbacks.erase(id);
    // Later: this may run inside the match's own handler.
    loop_.post([this, client] {
        const auto entry = clients_.find(client);
        if (entry != clients_.end() && entry->second.callbacks.empty()) clients_.erase(entry);
    });
}

}  // namespace northstar::bus
