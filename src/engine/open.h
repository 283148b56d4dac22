// SPDX-License-Identifier: Apache-2.0
// Open of a mount: a detached clone for a caller's own mount namespace. Bus thread only.
#pragma once

#include "async/pool.h"
#include "async/task.h"
#include "auth/authorizer.h"
#include "auth/call.h"
#include "base/unique_fd.h"
#include "engine/mount_ref.h"
#include "kernel/kernel.h"
#include "registry/registry.h"

namespace northstar {

class Opener {
public:
    Opener(Authorizer& authorizer, Pool& pool, Kernel& kernel, const Registry& registry)
        : authorizer_{authorizer}, pool_{pool}, kernel_{kernel}, registry_{registry} {}

    // Throws NotMounted, AccessDenied, Unsupported, Failed.
    Task<UniqueFd> open(CallPtr call, MountRef what);

private:
    Authorizer& authorizer_;
    Pool& pool_;
    Kernel& kernel_;
    const Registry& registry_;
};

}  // namespace northstar
