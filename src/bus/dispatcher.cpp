// SPDX-License-Identifier: Apache-2.0
#include "bus/dispatcher.h"

#include <spdlog/spdlog.h>

namespace northstar::bus {
namespace {

// A user has several programs, and each may use its limit; but connections cost nothing, so their calls are limited
// together, too. Documented in mounter.toml(5).
constexpr std::uint64_t kClientsOfUser = 4;

}  // namespace

CallPtr Dispatcher::begin(const sdbus::Message& message, const char* interface, const char* name) {
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
        call.caller = callerOf(message);
    } catch (const sdbus::Error& error) {
        // It left the bus: nobody waits for this answer.
        spdlog::debug("Cannot tell who called {}: {}", call.rule->method, error.getMessage());
        throw Error{Code::AccessDenied, "Cannot tell who calls: " + error.getMessage()};
    }
    if (mapUid_) call.caller.euid = mapUid_(call.caller.euid);
}

void Dispatcher::refuseTooManyCalls(const Caller& caller) const {
    const std::uint64_t limit = core_.config.limits.pendingCallsPerClient;
    if (limit == 0) return;
    const auto ofClient = pending_.find(caller.name);
    if (ofClient != pending_.end() && ofClient->second >= limit) {
        throw Error{Code::LimitsExceeded, "This client has " + std::to_string(limit) +
                                              " calls waiting already (limits.pending_calls_per_client in the "
                                              "configuration); wait for some of them"};
    }
    const std::uint64_t most = kClientsOfUser * limit;
    const auto ofUser = pendingOfUsers_.find(caller.euid);
    if (caller.euid != 0 && ofUser != pendingOfUsers_.end() && ofUser->second >= most) {
        throw Error{Code::LimitsExceeded,
                    "User " + std::to_string(caller.euid) + " has " + std::to_string(most) +
                        " calls waiting already (" + std::to_string(kClientsOfUser) +
                        " times limits.pending_calls_per_client in the configuration); wait for some of them"};
    }
}

void Dispatcher::enter(const Caller& caller) {
    ++pending_[caller.name];
    ++pendingOfUsers_[caller.euid];
    ++active_;
}

void Dispatcher::leave(const Caller& caller) {
    if (const auto it = pending_.find(caller.name); --it->second == 0) pending_.erase(it);
    if (const auto it = pendingOfUsers_.find(caller.euid); --it->second == 0) pendingOfUsers_.erase(it);
    --active_;
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
