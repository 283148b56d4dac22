// SPDX-License-Identifier: Apache-2.0
// What is left of an unmount when the mount is gone and its devices are not yet. Bus thread only.
#pragma once

#include "bus/core.h"

namespace northstar::bus {

// Returns when the devices are gone, or after 2 s with a line in the log if somebody else holds them: they go
// with them (udev's probing holds a device for tens of milliseconds), and count against their owner's limit until then
// (Registry::hold). Takes a worker for moments only, so that devices that are held keep no mount waiting. Never throws.
Async<Done> awaitRelease(Core& core, MountRecord record);

// If there are many held devices, or this user's next mount would exceed a limit: looks which are still held, once
// a second at most. To be called before the last check of what is to be mounted: it may wait.
Async<Done> recountHeld(Core& core, uid_t owner);

}  // namespace northstar::bus
