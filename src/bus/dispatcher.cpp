// SPDX-License-Identifier: Apache-2.0
#include "bus/dispatcher.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace northstar::bus {
namespace {

// A user has several programs, and each may use its limit; but connections cost nothing, so their calls are limited
// together, too. Documented in mounter.toml(5).
constexpr std::uint64_t kClientsOfUser = 4;

}  // namespace

std::shared_ptr<Call> Dispatcher::begin(const sdbus::Message& message, const char* interface, const char* name) {
    auto call = std::make_shared<Call>();
    call->rule = findMethodRule(interface, name);
    if (call->rule == nullptr) {
        throw Error{Code::AccessDenied, std::string{interface} + "." + name + " has no authorization rule"};
    }
    if (closed_) throw Error{Code::Failed, "The service is stopping; try again when it runs"};
    identify(*call, message);
    refuseTooManyCalls(call->caller);
    return call;
}

void Dispatcher::identify(Call& call, const sdbus::Message& message) const {
    try {
        // getCredsUid() would read /proc of a process that may be another one by now.
        call.caller = {message.getSender(), message.getCredsEuid(),
                       sd_bus_message_get_allow_interactive_authorization(rawMessage(message)) > 0};
        call.watch = clients_.watcher(call.caller.name);
    } catch (const sdbus::Error& error) {
        // It left the bus: nobody waits for this answer.
        spdlog::debug("Cannot tell who called {}: {}", call.rule->method, error.getMessage());
        throw Error{Code::AccessDenied, "Cannot tell who calls: " + error.getMessage()};
    }
    if (mapUid_) call.caller.euid = mapUid_(call.caller.euid);
}

void Dispatcher::refuseTooManyCalls(const Caller& caller) const {
    const std::uint64_t limit = limits_.pendingCallsPerClient;
    if (limit == 0) return;
    const auto ofClient = pending_.find(caller.name);
    if (ofClient != pending_.end() && ofClient->second >= limit) {
        throw Error{Code::LimitsExceeded,
                    fmt::format("This client has {} calls waiting already (limits.pending_calls_per_client in the "
                                "configuration); wait for some of them",
                                limit)};
    }
    const std::uint64_t most = kClientsOfUser * limit;
    const auto ofUser = pendingOfUsers_.find(caller.euid);
    if (caller.euid != 0 && ofUser != pendingOfUsers_.end() && ofUser->second >= most) {
        throw Error{Code::LimitsExceeded,
                    fmt::format("User {} has {} calls waiting already ({} times limits.pending_calls_per_client in the "
                                "configuration); wait for some of them",
                                caller.euid, most, kClientsOfUser)};
    }
}

Dispatcher::Pending::Pending(Dispatcher& dispatcher, CallPtr call) : dispatcher_{dispatcher}, call_{std::move(call)} {
    ++dispatcher_.pending_[call_->caller.name];
    ++dispatcher_.pendingOfUsers_[call_->caller.euid];
}

Dispatcher::Pending::~Pending() {
    const auto leave = [](auto& counts, const auto& key) {
        const auto count = counts.find(key);
        if (--count->second == 0) counts.erase(count);
    };
    leave(dispatcher_.pending_, call_->caller.name);
    leave(dispatcher_.pendingOfUsers_, call_->caller.euid);
}

void Dispatcher::fail(const std::function<void(const sdbus::Error&)>& answer) {
    try {
        answer(toBusError(std::current_exception()));
    } catch (const std::exception& error) {
        reportLost(error);
    }
}

void Dispatcher::reportLost(const std::exception& error) { spdlog::warn("Cannot answer a call: {}", error.what()); }

}  // namespace northstar::bus
