// SPDX-License-Identifier: Apache-2.0
#include "bus/client_watch.h"

namespace northstar::bus {

std::function<std::stop_token()> ClientWatch::watcher(const std::string& client) {
    return [this, client, source = Source{}]() mutable {
        if (!source) source = watch(client);
        return source->get_token();
    };
}

ClientWatch::Source ClientWatch::watch(const std::string& client) {
    const auto known = clients_.find(client);
    if (known != clients_.end()) return known->second.lock();
    if (!match_) {
        match_ = addMatch(bus_,
                          "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                          "member='NameOwnerChanged',arg2=''",
                          [this](IncomingMessage message) {
                              std::string name;
                              message >> name;
                              left(name);
                          });
    }
    const Source source{new std::stop_source, [this, client](const std::stop_source* owned) {
                            delete owned;
                            forget(client);
                        }};
    clients_.emplace(client, source);
    return source;
}

void ClientWatch::left(const std::string& client) {
    const auto known = clients_.find(client);
    if (known == clients_.end()) return;
    const Source source = known->second.lock();  // what it tells may be the last that has it
    source->request_stop();
}

void ClientWatch::forget(const std::string& client) {
    clients_.erase(client);
    if (!clients_.empty()) return;
    // Later: this may run inside the match's own handler.
    loop_.post([this] {
        if (clients_.empty()) match_.reset();
    });
}

}  // namespace northstar::bus
