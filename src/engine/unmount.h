// SPDX-License-Identifier: Apache-2.0
// Unmount and UnmountMany. Bus thread only.
#pragma once

#include "async/pool.h"
#include "async/task.h"
#include "auth/authorizer.h"
#include "auth/call.h"
#include "base/std.h"
#include "engine/device_release.h"
#include "engine/holder_search.h"
#include "engine/mount_lines.h"
#include "engine/mount_ref.h"
#include "engine/mount_steps.h"
#include "engine/observer.h"
#include "kernel/mount.h"
#include "registry/mount_record.h"
#include "registry/registry.h"

namespace northstar {

class Unmounter {
public:
    Unmounter(MountLines& lines, Authorizer& authorizer, Pool& pool, const MountSteps& steps, Registry& registry,
              DeviceRelease& release, HolderSearch& holders, Observer& observer)
        : lines_{lines}, authorizer_{authorizer}, pool_{pool}, steps_{steps}, registry_{registry}, release_{release},
          holders_{holders}, observer_{observer} {}

    // Throws Error. When it returns, mount point and devices are gone, unless another process still holds them.
    Task<> unmount(CallPtr call, MountRef what, UnmountMode how);
    // In parallel; null, or why not, for each, in the order asked.
    Task<std::vector<std::exception_ptr>> unmountMany(CallPtr call, std::vector<MountRef> what, UnmountMode how);

private:
    using Granted = std::optional<std::uint32_t>;  // the mount that the caller was authorized for
    struct Gone {
        MountRecord record;
        bool busy = false;      // it is still mounted
        bool released = false;  // its devices are gone
    };
    Task<> authorize(CallPtr call, const MountRecord& record);
    Task<> unmountInTurn(CallPtr call, MountRef what, UnmountMode how, Granted granted);
    Task<Gone> takeDown(std::uint32_t id, UnmountMode how);
    Task<> unmountOne(CallPtr call, MountRef what, UnmountMode how, Granted granted, std::exception_ptr& outcome);

    MountLines& lines_;
    Authorizer& authorizer_;
    Pool& pool_;
    const MountSteps& steps_;
    Registry& registry_;
    DeviceRelease& release_;
    HolderSearch& holders_;
    Observer& observer_;
};

}  // namespace northstar
