// SPDX-License-Identifier: Apache-2.0
// Client of org.freedesktop.PolicyKit1.Authority. Bus thread only; never blocks.
#pragma once

#include <chrono>

#include "auth/authorizer.h"
#include "base/std.h"
#include "sdbus/compat.h"

namespace northstar::bus {

class Polkit : public Authority {
public:
    // A person may need minutes to answer; a question that takes longer than the time-out is withdrawn and fails.
    Polkit(sdbus::IConnection& bus, std::chrono::microseconds timeout);

    std::string ask(const Question& question, std::function<void(Answer)> done) override;
    void cancel(const std::string& id) noexcept override;

private:
    void sendCancel(const std::string& id) noexcept;

    std::unique_ptr<sdbus::IProxy> proxy_;
    std::chrono::microseconds timeout_;
    std::map<std::string, sdbus::PendingAsyncCall> pending_;
    std::uint64_t next_ = 0;
};

}  // namespace northstar::bus
