// SPDX-License-Identifier: Apache-2.0
#include "bus/dispatcher.h"

#include "auth/method_table.h"
#include "base/error.h"
#include "base/log.h"
#include "bus/names.h"

namespace northstar::bus {

std::shared_ptr<Call> Dispatcher::begin(const sdbus::Message& message, const char* interface, const char* name) {
    auto call = std::make_shared<Call>();
    call->rule = findMethodRule(interface, name);
    if (call->rule == nullptr) {
        throw Error{Code::AccessDenied, std::string{interface} + "." + name + " has no authorization rule"};
    }
    if (closed_) throw Error{Code::Failed, "The service is stopping; try again when it runs"};
    identify(*call, message);
    limits_.refuseTooMany(call->caller);
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
        log::debug("Cannot tell who called {}: {}", call.rule->method, error.getMessage());
        throw Error{Code::AccessDenied, "Cannot tell who calls: " + error.getMessage()};
    }
    if (mapUid_) call.caller.euid = mapUid_(call.caller.euid);
}

void Dispatcher::fail(const std::function<void(const sdbus::Error&)>& answer) {
    try {
        answer(toBusError(std::current_exception()));
    } catch (const std::exception& error) {
        reportLost(error);
    }
}

void Dispatcher::reportLost(const std::exception& error) { log::warn("Cannot answer a call: {}", error.what()); }

}  // namespace northstar::bus
