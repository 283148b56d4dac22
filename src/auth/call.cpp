// SPDX-License-Identifier: Apache-2.0
#include "auth/call.h"

#include <fmt/format.h>

#include "base/error.h"

namespace northstar {

void CallLimits::refuseTooMany(const Caller& caller) const {
    const std::uint64_t limit = limits_.pendingCallsPerClient;
    if (limit == 0) return;
    const auto ofClient = ofClients_.find(caller.name);
    if (ofClient != ofClients_.end() && ofClient->second >= limit) {
        throw Error{Code::LimitsExceeded,
                    fmt::format("This client has {} calls waiting already (limits.pending_calls_per_client in the "
                                "configuration); wait for some of them",
                                limit)};
    }
    // A user has several programs, and each may use its limit; but connections cost nothing, so their calls are limited
    // together, too. Documented in mounter.toml(5).
    constexpr std::uint64_t kClientsOfUser = 4;
    const std::uint64_t most = kClientsOfUser * limit;
    const auto ofUser = ofUsers_.find(caller.euid);
    if (caller.euid != 0 && ofUser != ofUsers_.end() && ofUser->second >= most) {
        throw Error{Code::LimitsExceeded,
                    fmt::format("User {} has {} calls waiting already ({} times limits.pending_calls_per_client in the "
                                "configuration); wait for some of them",
                                caller.euid, most, kClientsOfUser)};
    }
}

CallLimits::Pending::Pending(CallLimits& counts, CallPtr call) : counts_{counts}, call_{std::move(call)} {
    ++counts_.ofClients_[call_->caller.name];
    ++counts_.ofUsers_[call_->caller.euid];
}

CallLimits::Pending::~Pending() {
    const auto leave = [](auto& counts, const auto& key) {
        const auto count = counts.find(key);
        if (--count->second == 0) counts.erase(count);
    };
    leave(counts_.ofClients_, call_->caller.name);
    leave(counts_.ofUsers_, call_->caller.euid);
}

}  // namespace northstar
