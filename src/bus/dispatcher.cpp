// SPDX-License-Identifier: Apache-2.0
#include "bus/dispatcher.h"

#include <spdlog/spdlog.h>

namespace northstar::bus {

CallPtr Dispatcher::begin(const sdbus::IObject& object, const char* interface, const char* name) {
    auto call = std::make_shared<Call>();
    call->rule = findMethodRule(interface, name);
    if (call->rule == nullptr) {
        throw Error{Code::AccessDenied, std::string{interface} + "." + name + " has no authorization rule"};
    }
    if (closed_) throw Error{Code::Failed, "The service is stopping; try again when it runs"};
    call->caller = currentCaller(object);
    if (mapUid_) call->caller.euid = mapUid_(call->caller.euid);
    const auto pending = pending_.find(call->caller.name);
    const std::uint32_t limit = core_.config.limits.pendingCallsPerClient;
    if (limit != 0 && pending != pending_.end() && pending->second >= limit) {
        throw Error{Code::LimitsExceeded, "This client has " + std::to_string(limit) +
                                              " calls waiting already (limits.pending_calls_per_client in the "
                                              "configuration); wait for some of them"};
    }
    return call;
}

void Dispatcher::enter(const std::string& client) {
    ++pending_[client];
    ++active_;
}

void Dispatcher::leave(const std::string& client) {
    const auto it = pending_.find(client);
    if (--it->second == 0) pending_.erase(it);
    --active_;
}

void Dispatcher::fail(const std::function<void(const sdbus::Error&)>& answer) {
    try {
        answer(toBusError(std::current_exception()));
    } catch (const sdbus::Error& error) {
        reportLost(error);
    }
}

void Dispatcher::reportLost(const sdbus::Error& error) {
    spdlog::warn("Cannot answer a call: {}: {}", std::string{error.getName()}, error.getMessage());
}

}  // namespace northstar::bus
