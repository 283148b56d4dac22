// SPDX-License-Identifier: Apache-2.0
// One call of one caller, as everything that works on it sees it, what gives it up, and how many may wait. Bus thread
// only.
#pragma once

#include <sys/types.h>

#include <stop_token>

#include "auth/method_table.h"
#include "base/std.h"
#include "config/config.h"

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

// A stop token that fires when either of two does: long work is given up when its caller leaves or the service stops.
class EitherStop {
public:
    EitherStop(const std::stop_token& first, const std::stop_token& second)
        : first_{first, [this] { either_.request_stop(); }}, second_{second, [this] { either_.request_stop(); }} {}
    EitherStop(const EitherStop&) = delete;
    EitherStop& operator=(const EitherStop&) = delete;

    [[nodiscard]] std::stop_token token() const { return either_.get_token(); }

private:
    std::stop_source either_;
    std::stop_callback<std::function<void()>> first_, second_;
};

// How many calls of one client, and of one user, may wait at a time.
class CallLimits {
public:
    // The limits are borrowed, and may change.
    explicit CallLimits(const Limits& limits) : limits_{limits} {}

    // Throws LimitsExceeded naming the limit.
    void refuseTooMany(const Caller& caller) const;

    // A call that is not answered yet, while it lives.
    class Pending {
    public:
        Pending(CallLimits& counts, CallPtr call);
        ~Pending();
        Pending(const Pending&) = delete;
        Pending& operator=(const Pending&) = delete;

    private:
        CallLimits& counts_;
        CallPtr call_;
    };

private:
    const Limits& limits_;
    std::map<std::string, std::uint32_t> ofClients_;
    std::map<uid_t, std::uint64_t> ofUsers_;
};

}  // namespace northstar
