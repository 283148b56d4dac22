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
    const MethodRule* rule = nullptr;  // never null once dispatched
    std::stop_token left{};            // fires when the caller leaves the bus

    [[nodiscard]] const std::stop_token& gone() const noexcept { return left; }
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

    // A call that is not answered yet, while it lives.
    class Pending {
    public:
        // `bytes`: what it makes us keep, about. `known`: setUser() follows at once. Throws LimitsExceeded naming the
        // limit.
        Pending(CallLimits& counts, std::string client, std::size_t bytes, bool known);
        // Once it is known whose it is, which the bus has to be asked. Throws LimitsExceeded naming the limit.
        void setUser(uid_t user);
        ~Pending();
        Pending(const Pending&) = delete;
        Pending& operator=(const Pending&) = delete;

    private:
        CallLimits& counts_;
        std::string client_;
        std::size_t bytes_;
        std::optional<uid_t> user_;
    };

private:
    struct OfUser {
        std::uint64_t calls = 0;
        std::size_t bytes = 0;
    };
    const Limits& limits_;
    std::map<std::string, std::uint32_t> ofClients_;
    std::map<uid_t, OfUser> ofUsers_;
    std::size_t unknownBytes_ = 0;  // of calls of which it is not known yet whose they are
};

}  // namespace northstar
