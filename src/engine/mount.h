// SPDX-License-Identifier: Apache-2.0
// Mount and MountMany, what all mounts have in common, MountFile and MountFd. Bus thread only.
#pragma once

#include <variant>

#include "async/task.h"
#include "auth/authorizer.h"
#include "auth/call.h"
#include "base/slow_close.h"
#include "base/std.h"
#include "base/unique_fd.h"
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
    // A plan whose package is open and authorized, in the turn of its keys: takes number and mount point, lets a worker
    // do it, and tells of it.
    Task<Mounted> establish(MountPlan plan);

private:
    [[nodiscard]] MountPlan planFor(const Caller& caller, const Found& found, MountRequest request) const;
    [[nodiscard]] bool takesAnothersPlace(const MountPlan& plan) const;
    Task<Mounted> mountAuthorized(MountPlan plan);
    Task<> openCurrent(MountPlan& plan);
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

// MountFile and MountFd: packages that are in no repository.
class FileMounting {
public:
    FileMounting(const Settings& settings, Runtime& runtime, Mounting& mounting, Authorizer& authorizer,
                 DeviceRelease& release, ExternalChanges& external)
        : settings_{settings}, runtime_{runtime}, mounting_{mounting}, authorizer_{authorizer}, release_{release},
          external_{external} {}

    // `path`: absolute and normal.
    Task<Mounted> mountFile(CallPtr call, std::string path, MountRequest request);
    Task<Mounted> mountFd(CallPtr call, CallerFd npk, MountRequest request);

private:
    [[nodiscard]] MountPlan planFor(const Caller& caller, std::string source, MountRequest request) const;
    void settle(MountPlan& plan) const;
    [[nodiscard]] Details detailsOf(const MountPlan& plan) const;
    Task<> authorizeUnread(CallPtr call, MountPlan plan);
    Task<> read(UniqueFd npk, MountPlan& plan);
    Task<Mounted> mountOpened(CallPtr call, UniqueFd npk, MountPlan plan);

    const Settings& settings_;
    Runtime& runtime_;
    Mounting& mounting_;
    Authorizer& authorizer_;
    DeviceRelease& release_;
    ExternalChanges& external_;
};

// The keys of a plan whose container and mount point are known.
[[nodiscard]] inline MountKeys keysOf(const MountPlan& plan) { return {plan.container, plan.mountPoint}; }

}  // namespace northstar
