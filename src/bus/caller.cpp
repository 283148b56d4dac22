// SPDX-License-Identifier: Apache-2.0
#include "bus/caller.h"

#include <systemd/sd-bus.h>

namespace northstar::bus {

Caller callerOf(const sdbus::Message& message) {
    // getCredsUid() would read /proc of a process that may be another one by now.
    return {message.getSender(), message.getCredsEuid(),
            sd_bus_message_get_allow_interactive_authorization(rawMessage(message)) > 0};
}

}  // namespace northstar::bus
