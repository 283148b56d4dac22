// SPDX-License-Identifier: Apache-2.0
// One call of one caller, as everything that works on it sees it. Bus thread only.
#pragma once

#include <sys/types.h>

#include <stop_token>

#include "auth/method_table.h"
#include "base/std.h"

namespace northstar {

struct Caller {
    std::string name;          // unique bus name, ":1.42": the polkit subject; empty: the service itself
    uid_t euid = 0;            // as the bus driver saw it when the caller connected, not from /proc
    bool interactive = false;  // may a person be asked?
};

struct Call {
    Caller caller;
    const MethodRule* rule = nullptr;        // never null once dispatched
    std::function<std::stop_token()> watch;  // starts to look whether the caller leaves; empty: it never does

    // Fires when the caller leaves the bus. Asked for only where a call goes on for long: watching costs the bus a
    // rule.
    [[nodiscard]] std::stop_token gone() const { return watch ? watch() : std::stop_token{}; }
};
using CallPtr = std::shared_ptr<const Call>;

// What the service does by itself (at start, upon a signal): by root's right, and nobody is asked.
[[nodiscard]] inline CallPtr ownCall(std::string_view method) {
    return std::make_shared<const Call>(Call{{}, findMethodRule("org.northstar.Mounter", method), {}});
}

}  // namespace northstar
