// SPDX-License-Identifier: Apache-2.0
#include "bus/dispatcher.h"

#include <fmt/format.h>

#include "auth/method_table.h"
#include "base/error.h"
#include "base/log.h"
#include "bus/names.h"

namespace northstar::bus {

std::shared_ptr<Call> Dispatcher::begin(const sdbus::Message& message, const char* interface, const char* name) const {
    auto call = std::make_shared<Call>();
    call->rule = findMethodRule(interface, name);
    if (call->rule == nullptr) {
        throw Error{Code::AccessDenied, fmt::format("{}.{} has no authorization rule", interface, name)};
    }
    if (closed_) throw Error{Code::Failed, "The service is stopping; try again when it runs"};
    call->caller.interactive = sd_bus_message_get_allow_interactive_authorization(rawMessage(message)) > 0;
    return call;
}

void Dispatcher::identify(Call& call, const Clients::Client& client) const {
    call.caller.name = client.name;
    call.caller.euid = mapUid_ ? mapUid_(*client.euid) : *client.euid;
    call.left = client.left.get_token();
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
