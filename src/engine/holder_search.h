// SPDX-License-Identifier: Apache-2.0
// Who holds a mount that is busy. Bus thread only.
#pragma once

#include <stop_token>

#include "async/pool.h"
#include "async/task.h"
#include "auth/call.h"
#include "base/std.h"
#include "engine/mount_steps.h"
#include "registry/mount_record.h"
#include "registry/registry.h"

namespace northstar {

class HolderSearch {
public:
    // `pool`: for this alone: a search takes seconds on a machine with many processes.
    HolderSearch(Pool& pool, const MountSteps& steps, const Registry& registry, std::stop_token stopping)
        : pool_{pool}, steps_{steps}, registry_{registry}, stopping_{std::move(stopping)} {}

    // Throws Busy, naming the holders; NotMounted if it went while they were looked for. Without the turn of the mount:
    // others need not wait for it. Nobody is looked for when eight calls wait for that already, or the caller has left.
    Task<> throwBusy(CallPtr call, MountRecord record);

private:
    Pool& pool_;
    const MountSteps& steps_;
    const Registry& registry_;
    std::stop_token stopping_;
    std::size_t searches_ = 0;
};

}  // namespace northstar
