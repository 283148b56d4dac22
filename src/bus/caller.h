// SPDX-License-Identifier: Apache-2.0
// Who makes a call, as the bus says it.
#pragma once

#include <sys/types.h>

#include <string>

#include "sdbus/compat.h"

namespace northstar::bus {

struct Caller {
    std::string name;          // unique bus name, ":1.42": the polkit subject
    uid_t euid = 0;            // as the bus driver saw it when the caller connected, not from /proc
    bool interactive = false;  // may polkit ask a person?
};

// Throws sdbus::Error if it left the bus.
[[nodiscard]] Caller callerOf(const sdbus::Message& message);

}  // namespace northstar::bus
