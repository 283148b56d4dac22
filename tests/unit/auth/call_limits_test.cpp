// SPDX-License-Identifier: Apache-2.0
// How many calls a client and a user may have waiting, and how much of their arguments.
#include <gtest/gtest.h>

#include <optional>

#include "auth/call.h"
#include "config/config.h"
#include "support/expect_error.h"

namespace northstar::test {
namespace {

constexpr std::size_t kLarge = 20 << 20;  // two of them are more than a user may keep waiting

class CallLimitsTest : public testing::Test {
protected:
    // A call of a client of that user which waits as long as it lives.
    struct Waiting {
        Waiting(CallLimits& counts, const std::string& client, uid_t user, std::size_t bytes)
            : pending{counts, client, bytes, true} {
            pending.setUser(user);
        }
        CallLimits::Pending pending;
    };

    Limits limits_;
    CallLimits counts_{limits_};
};

TEST_F(CallLimitsTest, BytesOfAUserAreBounded) {
    const Waiting first{counts_, ":1.1", 1000, kLarge};
    expectError(Code::LimitsExceeded, "KiB", [&] { const Waiting second{counts_, ":1.2", 1000, kLarge}; });
    const Waiting ofAnother{counts_, ":1.3", 1001, kLarge};
    const Waiting ofRoot{counts_, ":1.4", 0, kLarge}, ofRootToo{counts_, ":1.4", 0, kLarge};
}

TEST_F(CallLimitsTest, BytesAreGivenBackWhileOtherCallsOfTheUserWait) {
    const Waiting small{counts_, ":1.1", 1000, 1};
    for (int i = 0; i < 4; ++i) {
        EXPECT_NO_THROW((Waiting{counts_, ":1.2", 1000, kLarge}));
    }
}

TEST_F(CallLimitsTest, CallsOfAClientAndOfAUserAreBounded) {
    limits_.pendingCallsPerClient = 1;
    const Waiting one{counts_, ":1.1", 1000, 1};
    expectError(Code::LimitsExceeded, "This client", [&] { const Waiting again{counts_, ":1.1", 1000, 1}; });
    const Waiting two{counts_, ":1.2", 1000, 1}, three{counts_, ":1.3", 1000, 1};
    {
        const Waiting four{counts_, ":1.4", 1000, 1};
        expectError(Code::LimitsExceeded, "User 1000", [&] { const Waiting five{counts_, ":1.5", 1000, 1}; });
    }
    EXPECT_NO_THROW((Waiting{counts_, ":1.5", 1000, 1}));
}

TEST_F(CallLimitsTest, BytesOfNewClientsAreBoundedTogether) {
    std::optional<CallLimits::Pending> first, second;
    first.emplace(counts_, ":1.1", 2 * kLarge, false);
    expectError(Code::LimitsExceeded, "new clients", [&] { second.emplace(counts_, ":1.2", 2 * kLarge, false); });
    first.reset();
    EXPECT_NO_THROW(second.emplace(counts_, ":1.2", 2 * kLarge, false));
}

}  // namespace
}  // namespace northstar::test
