// SPDX-License-Identifier: Apache-2.0
// Client of org.freedesktop.PolicyKit1.Authority. Bus thread only; never blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "sdbus/compat.h"

namespace northstar {

using Details = std::map<std::string, std::string>;

class Polkit {
public:
    enum class Verdict { Granted, Denied, NeedsInteraction, Failed };
    // `detail`: why the check failed, for Failed.
    using Done = std::function<void(Verdict verdict, const std::string& detail)>;

    // A person may need minutes to answer; a question that takes longer than the time-out is withdrawn and fails.
    Polkit(sdbus::IConnection& bus, std::chrono::microseconds timeout);

    // Asks whether the owner of this unique bus name may do this. `done` runs on the bus thread, once, unless
    // cancelled. Returns the cancellation id.
    std::string check(const std::string& subject, const std::string& action, const Details& details, bool interactive,
                      Done done);

    // Forgets the question and tells polkit to close its dialog.
    void cancel(const std::string& id) noexcept;

private:
    void sendCancel(const std::string& id) noexcept;

    std::unique_ptr<sdbus::IProxy> proxy_;
    std::chrono::microseconds timeout_;
    std::map<std::string, sdbus::PendingAsyncCall> pending_;
    std::uint64_t next_ = 0;
};

}  // namespace northstar
