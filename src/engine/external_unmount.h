// SPDX-License-Identifier: Apache-2.0
// What is left to do for a mount that somebody else took down. Bus thread only.
#pragma once

#include "async/pool.h"
#include "async/scope.h"
#include "async/task.h"
#include "base/std.h"
#include "engine/device_release.h"
#include "engine/mount_lines.h"
#include "engine/mount_steps.h"
#include "engine/observer.h"
#include "registry/mount_record.h"
#include "registry/registry.h"

namespace northstar {

class ExternalUnmount {
public:
    ExternalUnmount(Scope& scope, Pool& pool, const MountSteps& steps, Registry& registry, MountLines& lines,
                    DeviceRelease& release, Observer& observer)
        : scope_{scope}, pool_{pool}, steps_{steps}, registry_{registry}, lines_{lines}, release_{release},
          observer_{observer} {}

    // Tells that it is gone, and removes directory, record and devices before whatever is asked for this container or
    // mount point next.
    void takeOut(std::uint32_t id);

private:
    Task<> cleanUp(MountRecord record);

    Scope& scope_;
    Pool& pool_;
    const MountSteps& steps_;
    Registry& registry_;
    MountLines& lines_;
    DeviceRelease& release_;
    Observer& observer_;
};

}  // namespace northstar
