// SPDX-License-Identifier: Apache-2.0
// The polkit agent of a terminal, which asks for passwords there: pkttyagent(1), for as long as this object lives. It
// steps back (--fallback) where the session has an agent already. Without pkttyagent nobody asks, and the call is
// refused as it would be then.
#pragma once

#include <sys/types.h>

namespace northstar::cli {

class Agent {
public:
    // Is there a person at a terminal who can be asked, and who would be? root never is.
    [[nodiscard]] static bool isOfUse();

    // Starts it and waits until polkit knows of it, some seconds at most.
    Agent();
    ~Agent();
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

private:
    pid_t pid_ = -1;
};

}  // namespace northstar::cli
