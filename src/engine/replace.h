// SPDX-License-Identifier: Apache-2.0
// Replace: what is mounted somewhere becomes another container, with no moment without one. The new one is verified and
// mounted whole, put beneath the old one, and comes into sight when that is detached. Bus thread only.
#pragma once

#include "async/task.h"
#include "auth/authorizer.h"
#include "auth/call.h"
#include "base/std.h"
#include "engine/external_change.h"
#include "engine/mount.h"
#include "engine/mount_plan.h"
#include "engine/mount_ref.h"
#include "engine/unmount.h"
#include "engine/world.h"

namespace northstar {

class Replacing {
public:
    Replacing(World& world, Runtime& runtime, Mounting& mounting, Authorizer& authorizer, DeviceRelease& release,
              ExternalChanges& external, VerityAvailability& verity)
        : world_{world}, runtime_{runtime}, mounting_{mounting}, authorizer_{authorizer}, release_{release},
          external_{external}, verity_{verity} {}

    // `container`: of a repository, as a caller calls it. The request has no target. Throws Error; then what was there
    // is as it was.
    Task<Mounted> replace(CallPtr call, MountRef what, std::string container, MountRequest request);

private:
    Task<> authorize(CallPtr call, MountPlan plan);
    // Before it is taken down with what is mounted inside it. Throws Busy.
    Task<> refuseInside(MountPlan plan);
    Task<Mounted> exchange(MountPlan plan);

    World& world_;
    Runtime& runtime_;
    Mounting& mounting_;
    Authorizer& authorizer_;
    DeviceRelease& release_;
    ExternalChanges& external_;
    VerityAvailability& verity_;
};

}  // namespace northstar
