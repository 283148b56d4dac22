// SPDX-License-Identifier: Apache-2.0
// What is left of an unmount when the mount is gone and its devices are not yet. Bus thread only.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <stop_token>

#include "async/event_loop.h"
#include "async/pool.h"
#include "async/task.h"
#include "base/std.h"
#include "engine/mount_steps.h"
#include "registry/mount_record.h"
#include "registry/registry.h"

namespace northstar {

class DeviceRelease {
public:
    DeviceRelease(EventLoop& loop, Pool& pool, const MountSteps& steps, Registry& registry, std::stop_token stopping)
        : loop_{loop}, pool_{pool}, steps_{steps}, registry_{registry}, stopping_{std::move(stopping)} {}

    // Returns when the devices are gone, or after 2 s with a line in the log if somebody else holds them: they go with
    // them (udev's probing holds a device for tens of milliseconds), and count against their owner's limit until then
    // (Registry::hold). Takes a worker for moments only, so that devices that are held keep no mount waiting.
    // Never throws.
    Task<> awaitGone(MountRecord record);

    // If there are many held devices, or this user's next mount would exceed a limit: looks which are still held, once
    // a second at most. To be called before the last check of what is to be mounted: it may wait.
    Task<> recountHeld(uid_t owner);

private:
    EventLoop& loop_;
    Pool& pool_;
    const MountSteps& steps_;
    Registry& registry_;
    std::stop_token stopping_;
    std::chrono::steady_clock::time_point nextRecount_{};
};

}  // namespace northstar
