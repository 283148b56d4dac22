// SPDX-License-Identifier: Apache-2.0
// Client of org.freedesktop.PolicyKit1.Authority. Bus thread only; never blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "bus/sdbus_compat.h"

namespace northstar {

using Details = std::map<std::string, std::string>;

class Polkit {
public:
    enum class Verdict { Granted, Denied, NeedsInteraction, Failed };
    // `detail`: why the check failed, for Failed.
    using Done = std::function<void(Verdict verdict, const std::string& detail)>;

    explicit Polkit(sdbus::IConnection& bus);

    // Asks whether the owner of this unique bus name may do this. `done` runs on the bus thread, once, unless
    // cancelled. Returns the cancellation id. A person may need minutes to answer, so that is the time-out.
    std::string check(const std::string& subject, const std::string& action, const Details& details, bool interactive,
                      Done done, std::chrono::microseconds timeout = std::chrono::minutes{5});

    // Forgets the question and tells polkit to close its dialog.
    void cancel(const std::string& id);

private:
    std::unique_ptr<sdbus::IProxy> proxy_;
    std::map<std::string, sdbus::PendingAsyncCall> pending_;
    std::uint64_t next_ = 0;
};

}  // namespace northstar
