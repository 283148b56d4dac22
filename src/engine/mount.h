// SPDX-License-Identifier: Apache-2.0
// Mount and MountMany, and what all mounts have in common. Bus thread only.
#pragma once

#include <variant>

#include "async/pool.h"
#include "async/task.h"
#include "auth/authorizer.h"
#include "auth/call.h"
#include "base/std.h"
#include "engine/device_release.h"
#include "engine/mount_lines.h"
#include "engine/mount_plan.h"
#include "engine/mount_steps.h"
#include "engine/observer.h"
#include "engine/packages.h"
#include "engine/settings.h"
#include "engine/verity_availability.h"
#include "registry/registry.h"
#include "repository/catalog.h"

namespace northstar {

struct Mounted {
    std::uint32_t id = 0;
    std::string mountPoint;
};
using MountOutcome = std::variant<Mounted, std::exception_ptr>;

class Mounting {
public:
    Mounting(const Settings& settings, Packages& packages, MountLines& lines, Authorizer& authorizer, Pool& pool,
             const MountSteps& steps, Registry& registry, DeviceRelease& release, VerityAvailability& verity,
             Observer& observer)
        : settings_{settings}, packages_{packages}, lines_{lines}, authorizer_{authorizer}, pool_{pool}, steps_{steps},
          registry_{registry}, release_{release}, verity_{verity}, observer_{observer} {}

    // All throw Error. `what`: a container of a repository, as a caller calls it.
    Task<Mounted> mount(CallPtr call, std::string what, MountRequest request);
    // In parallel; one outcome for each, in the order asked. `request`: of all of them.
    Task<std::vector<MountOutcome>> mountMany(CallPtr call, std::vector<std::string> what, MountRequest request);
    // Mounts every container of the repositories with mount_on_start that is not mounted yet; failures are logged.
    Task<> mountOnStart();

    // Stages, for packages that are in no repository, too.
    // May the caller mount this, there? Asks for what the plan says of it.
    Task<> authorize(CallPtr call, MountPlan plan);
    // A plan whose package is open and authorized, in the turn of its keys: takes number and mount point, lets a worker
    // do it, and tells of it.
    Task<Mounted> establish(MountPlan plan);

private:
    [[nodiscard]] MountPlan planFor(const Caller& caller, const Found& found, MountRequest request) const;
    Task<Mounted> mountAuthorized(MountPlan plan);
    Task<> openCurrent(MountPlan& plan);
    Task<Mounted> runSteps(MountPlan& plan);
    Task<> mountOne(MountPlan plan, MountOutcome& outcome);
    [[nodiscard]] std::vector<MountPlan> plansOnStart() const;

    const Settings& settings_;
    Packages& packages_;
    MountLines& lines_;
    Authorizer& authorizer_;
    Pool& pool_;
    const MountSteps& steps_;
    Registry& registry_;
    DeviceRelease& release_;
    VerityAvailability& verity_;
    Observer& observer_;
};

// The keys of a plan whose container and mount point are known.
[[nodiscard]] MountKeys keysOf(const MountPlan& plan);

}  // namespace northstar
