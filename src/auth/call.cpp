// SPDX-License-Identifier: Apache-2.0
#include "auth/call.h"

#include <fmt/format.h>

#include "base/error.h"

namespace northstar {
namespace {

// A user has several programs, and each may use its limit; but connections cost nothing, so their calls are limited
// together, too. Documented in mounter.toml(5).
constexpr std::uint64_t kClientsOfUser = 4;

// What waits is kept: the names of a MountMany, and a plan for each of them.
constexpr std::size_t kBytesOfUser = 32 << 20, kBytesOfUnknown = 64 << 20;

}  // namespace

CallLimits::Pending::Pending(CallLimits& counts, std::string client, std::size_t bytes, bool known)
    : counts_{counts}, client_{std::move(client)}, bytes_{bytes} {
    const std::uint64_t limit = counts_.limits_.pendingCallsPerClient;
    const auto ofClient = counts_.ofClients_.find(client_);
    if (limit != 0 && ofClient != counts_.ofClients_.end() && ofClient->second >= limit) {
        throw Error{Code::LimitsExceeded,
                    fmt::format("This client has {} calls waiting already (limits.pending_calls_per_client in the "
                                "configuration); wait for some of them",
                                limit)};
    }
    if (!known && counts_.unknownBytes_ + bytes_ > kBytesOfUnknown) {
        throw Error{Code::LimitsExceeded, "Too many new clients are calling; try again in a moment"};
    }
    ++counts_.ofClients_[client_];
    counts_.unknownBytes_ += bytes_;
}

void CallLimits::Pending::setUser(uid_t user) {
    OfUser& of = counts_.ofUsers_[user];
    const std::uint64_t most = kClientsOfUser * counts_.limits_.pendingCallsPerClient;
    if (user != 0 && most != 0 && of.calls >= most) {
        throw Error{Code::LimitsExceeded,
                    fmt::format("User {} has {} calls waiting already ({} times limits.pending_calls_per_client in the "
                                "configuration); wait for some of them",
                                user, most, kClientsOfUser)};
    }
    if (user != 0 && of.calls != 0 && of.bytes + bytes_ > kBytesOfUser) {
        throw Error{Code::LimitsExceeded,
                    fmt::format("User {} has calls waiting that keep {} KiB already; wait for some of them", user,
                                of.bytes >> 10)};
    }
    ++of.calls;
    of.bytes += bytes_;
    counts_.unknownBytes_ -= bytes_;
    user_ = user;
}

CallLimits::Pending::~Pending() {
    const auto ofClient = counts_.ofClients_.find(client_);
    if (--ofClient->second == 0) counts_.ofClients_.erase(ofClient);
    if (!user_) {
        counts_.unknownBytes_ -= bytes_;
        return;
    }
    const auto ofUser = counts_.ofUsers_.find(*user_);
    ofUser->second.bytes -= bytes_;
    if (--ofUser->second.calls == 0) counts_.ofUsers_.erase(ofUser);
}

}  // namespace northstar
