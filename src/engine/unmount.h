// SPDX-License-Identifier: Apache-2.0
// Unmount and UnmountMany, and what is left of an unmount whose devices are still held. Bus thread only.
#pragma once

#include <sys/types.h>

#include <chrono>

#include "async/task.h"
#include "auth/authorizer.h"
#include "auth/call.h"
#include "base/std.h"
#include "engine/mount_ref.h"
#include "engine/world.h"
#include "kernel/mount.h"
#include "registry/mount_record.h"
#include "registry/registry.h"

namespace northstar {

// What is left of an unmount when the mount is gone and its devices are not yet.
class DeviceRelease {
public:
    DeviceRelease(Runtime& runtime, Registry& registry) : runtime_{runtime}, registry_{registry} {}

    // Returns when the devices are gone, or after 2 s with a line in the log if somebody else holds them: they go with
    // them (udev's probing holds a device for tens of milliseconds), and count against their owner's limit until then,
    // for a minute at most (Registry::hold). Takes a worker for moments only, so that devices that are held keep no
    // mount waiting. Never throws.
    Task<> awaitGone(MountRecord record);

    // If there are many held devices, or this user's next mount would exceed a limit: looks which are still held, once
    // a second at most. To be called before the last check of what is to be mounted: it may wait.
    Task<> recountHeld(uid_t owner);

private:
    Runtime& runtime_;
    Registry& registry_;
    std::chrono::steady_clock::time_point nextRecount_{};
};

class Unmounter {
public:
    Unmounter(World& world, Runtime& runtime, Authorizer& authorizer, DeviceRelease& release)
        : world_{world}, runtime_{runtime}, authorizer_{authorizer}, release_{release} {}

    // Throws Error. When it returns, mount point and devices are gone, unless another process still holds them.
    Task<> unmount(CallPtr call, MountRef what, UnmountMode how);
    // In parallel; null, or why not, for each, in the order asked.
    Task<std::vector<std::exception_ptr>> unmountMany(CallPtr call, std::vector<MountRef> what, UnmountMode how);

    // The processes that hold the mount, for its owner, root, and who may unmount it. Throws NotMounted, AccessDenied,
    // LimitsExceeded if many calls look for that at this moment, Failed.
    Task<std::vector<Holder>> holders(CallPtr call, MountRef what);

private:
    using Granted = std::optional<std::uint32_t>;  // the mount that the caller was authorized for
    struct Gone {
        MountRecord record;
        bool busy = false;      // it is still mounted
        bool released = false;  // its devices are gone
    };
    Task<> authorize(CallPtr call, const MountRecord& record);
    Task<> unmountInTurn(CallPtr call, MountRef what, UnmountMode how, Granted granted);
    // Before a lazy unmount, which would take along what others have mounted inside. Throws Busy, NotMounted.
    Task<> refuseOthersInside(CallPtr call, MountRecord record);
    Task<Gone> takeDown(CallPtr call, std::uint32_t id, UnmountMode how);
    Task<> unmountOne(CallPtr call, MountRef what, UnmountMode how, Granted granted, std::exception_ptr& outcome);

    // Throws Busy, naming the holders; NotMounted if it went while they were looked for. Without the turn of the mount:
    // others need not wait for it. Nobody is looked for when eight calls wait for that already, or the caller has left.
    Task<> throwBusy(CallPtr call, MountRecord record);

    World& world_;
    Runtime& runtime_;
    Authorizer& authorizer_;
    DeviceRelease& release_;
    std::size_t searches_ = 0;  // for holders
};

}  // namespace northstar
