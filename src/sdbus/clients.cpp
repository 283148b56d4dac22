// SPDX-License-Identifier: Apache-2.0
#include "sdbus/clients.h"

#include <systemd/sd-bus.h>

#include <chrono>

#include "base/error.h"
#include "base/log.h"

namespace northstar::bus {
namespace {

constexpr const char* kDriver = "org.freedesktop.DBus";
// The bus allows a connection 128 calls without an answer (dbus-daemon(1), max_replies_per_connection), and polkit's
// questions need some.
constexpr std::size_t kMostAsked = 32;
constexpr std::chrono::seconds kTimeout{5};

}  // namespace

Clients::Clients(sdbus::IConnection& bus)
    : driver_{sdbus::createProxy(bus, ServiceName{kDriver}, sdbus::ObjectPath{"/org/freedesktop/DBus"})} {}

std::shared_ptr<Clients::Client> Clients::senderOf(const sdbus::Message& message) {
    const std::string name{message.getSender()};
    const auto known = clients_.find(name);
    if (known != clients_.end()) return known->second;
    // Before it is asked for: who leaves in between is unknown to the bus then.
    if (!match_) watchForLeaving(sd_bus_message_get_bus(rawMessage(message)));
    auto client = std::make_shared<Client>(Client{name});
    clients_.emplace(name, client);
    unasked_.push_back(name);
    askSome();
    return client;
}

Task<> Clients::known(std::shared_ptr<Client> client, std::string_view method) {
    if (!client->euid && client->failure.empty()) {
        Callback<void> told{[&](Callback<void>::Complete complete) { client->waiting.push_back(std::move(complete)); }};
        co_await told;
    }
    if (client->euid) co_return;
    log::debug("Cannot tell who called {}: {}", method, client->failure);  // nobody waits for the answer
    throw Error{Code::AccessDenied, "Cannot tell who calls: " + client->failure};
}

void Clients::giveUp() {
    while (!clients_.empty()) answer(clients_.begin()->first, {}, "the bus is lost");
}

void Clients::askSome() {
    while (!unasked_.empty() && asked_ < kMostAsked) {
        const std::string name = unasked_.front();
        unasked_.pop_front();
        try {
            ask(name);
            ++asked_;
        } catch (const std::exception& error) {
            answer(name, {}, error.what());
        }
    }
}

void Clients::ask(const std::string& name) {
    driver_->callMethodAsync("GetConnectionUnixUser")
        .onInterface(kDriver)
        .withTimeout(kTimeout)
        .withArguments(name)
        .uponReplyInvoke([this, name](CallError error, std::uint32_t euid) {
            --asked_;
            answer(name, error ? std::nullopt : std::optional<uid_t>{euid}, error ? error->getMessage() : "");
            askSome();
        });
}

void Clients::answer(const std::string& name, std::optional<uid_t> euid, const std::string& failure) {
    const auto known = clients_.find(name);
    if (known == clients_.end()) return;
    const auto client = known->second;
    client->euid = euid;
    if (!euid) {
        client->failure = failure.empty() ? "the bus does not say" : failure;
        clients_.erase(known);  // its next call asks again
    }
    for (const auto& goOn : std::exchange(client->waiting, {})) goOn();
    if (clients_.empty()) match_.reset();
}

void Clients::watchForLeaving(sd_bus* bus) {
    const auto onSignal = [](sd_bus_message* message, void* self, sd_bus_error*) -> int {
        const char* name = nullptr;
        if (sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &name) > 0) static_cast<Clients*>(self)->left(name);
        return 0;
    };
    const auto onInstalled = [](sd_bus_message* reply, void*, sd_bus_error*) -> int {
        const sd_bus_error* error = sd_bus_message_get_error(reply);
        if (error != nullptr) log::warn("Cannot tell when clients leave: {}", error->message);
        return 0;
    };
    sd_bus_slot* slot = nullptr;
    const int result = sd_bus_add_match_async(bus, &slot,
                                              "type='signal',sender='org.freedesktop.DBus',"
                                              "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''",
                                              onSignal, onInstalled, this);
    if (result < 0) throwErrno(Code::Failed, "Cannot ask the bus to tell when clients leave", -result);
    match_.reset(slot);
}

void Clients::left(const std::string& name) {
    const auto known = clients_.find(name);
    if (known == clients_.end()) return;
    const auto client = known->second;
    if (!client->euid) return;  // the answer will say so
    clients_.erase(known);
    client->left.request_stop();
    if (clients_.empty()) match_.reset();
}

}  // namespace northstar::bus
