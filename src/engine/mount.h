// SPDX-License-Identifier: Apache-2.0
// Mount and MountMany, and what all mounts have in common. Bus thread only.
#pragma once

#include <variant>

#include "async/task.h"
#include "auth/authorizer.h"
#include "auth/call.h"
#include "base/std.h"
#include "engine/external_change.h"
#include "engine/mount_lines.h"
#include "engine/mount_plan.h"
#include "engine/packages.h"
#include "engine/unmount.h"
#include "engine/world.h"
#include "repository/catalog.h"

namespace northstar {

struct Mounted {
    std::uint32_t id = 0;
    std::string mountPoint;
};
using MountOutcome = std::variant<Mounted, std::exception_ptr>;

class Mounting {
public:
    Mounting(World& world, Runtime& runtime, Packages& packages, Authorizer& authorizer, DeviceRelease& release,
             ExternalChanges& external, VerityAvailability& verity)
        : world_{world}, runtime_{runtime}, packages_{packages}, authorizer_{authorizer}, release_{release},
          external_{external}, verity_{verity} {}

    // All throw Error. `what`: a container of a repository, as a caller calls it.
    Task<Mounted> mount(CallPtr call, std::string what, MountRequest request);
    // In parallel; one outcome for each, in the order asked. `request`: of all of them.
    Task<std::vector<MountOutcome>> mountMany(CallPtr call, std::vector<std::string> what, MountRequest request);
    // Mounts every container of the repositories with mount_on_start that is not mounted yet; failures are logged.
    Task<> mountOnStart();

    // Stages, for packages that are in no repository, too.
    // A target becomes the path that it leads to: what is authorized is what is mounted on, which follows no symlink.
    Task<> resolveTarget(MountPlan& plan);
    // May the caller mount this, there? Asks for what the plan says of it.
    Task<> authorize(CallPtr call, MountPlan plan);
    // The two parts of that question.
    Task<> authorizeContent(CallPtr call, MountPlan plan);
    Task<> authorizePlace(CallPtr call, MountPlan plan);
    // From here on it is this container of this repository: what is authorized is what gets mounted.
    [[nodiscard]] MountPlan planFor(const Caller& caller, const Found& found, MountRequest request) const;
    // Opens the package of a plan that was authorized, in the turn of its keys.
    Task<> openCurrent(MountPlan& plan);
    // A plan whose package is open and authorized, in the turn of its keys: takes number and mount point, lets a worker
    // do it, and tells of it.
    Task<Mounted> establish(MountPlan plan);

private:
    [[nodiscard]] bool takesAnothersPlace(const MountPlan& plan) const;
    Task<Mounted> mountAuthorized(MountPlan plan);
    Task<Mounted> runSteps(MountPlan& plan);
    Task<> mountOne(MountPlan plan, MountOutcome& outcome);
    [[nodiscard]] std::vector<MountPlan> plansOnStart() const;

    World& world_;
    Runtime& runtime_;
    Packages& packages_;
    Authorizer& authorizer_;
    DeviceRelease& release_;
    ExternalChanges& external_;
    VerityAvailability& verity_;
};

// The keys of a plan whose container and mount point are known.
[[nodiscard]] inline MountKeys keysOf(const MountPlan& plan) { return {plan.container, plan.mountPoint}; }

}  // namespace northstar
