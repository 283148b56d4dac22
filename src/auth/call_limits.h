// SPDX-License-Identifier: Apache-2.0
// How many calls of one client, and of one user, may wait at a time. Bus thread only.
#pragma once

#include <sys/types.h>

#include "auth/call.h"
#include "base/std.h"
#include "config/config.h"

namespace northstar {

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
