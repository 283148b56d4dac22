// SPDX-License-Identifier: Apache-2.0
// Keeps our own looks at mounts out of the way of our own unmounts: a descriptor pins its mount, and umount(2) fails
// with EBUSY meanwhile. Any thread.
#pragma once

#include <chrono>
#include <mutex>
#include <shared_mutex>

namespace northstar {

class MountGate {
public:
    // Held while a descriptor of some mount may be open.
    [[nodiscard]] std::shared_lock<std::shared_timed_mutex> look() {
        const std::lock_guard turn{turn_};
        return std::shared_lock{looks_};
    }

    // Held while no look may be under way; those that come later wait until it is let go. A look may hang (a filesystem
    // of somebody else that does not answer): then this is not held, after a second.
    [[nodiscard]] std::unique_lock<std::shared_timed_mutex> alone() {
        const std::lock_guard turn{turn_};
        return std::unique_lock{looks_, std::chrono::seconds{1}};
    }

private:
    std::mutex turn_;  // a stream of looks that overlap would keep who wants to be alone waiting for ever
    std::shared_timed_mutex looks_;
};

}  // namespace northstar
