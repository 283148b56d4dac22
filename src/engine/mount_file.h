// SPDX-License-Identifier: Apache-2.0
// MountFile and MountFd: packages that are in no repository. Bus thread only.
#pragma once

#include "async/task.h"
#include "auth/authorizer.h"
#include "auth/call.h"
#include "base/slow_close.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "engine/external_change.h"
#include "engine/mount.h"
#include "engine/mount_plan.h"
#include "engine/unmount.h"
#include "engine/world.h"

namespace northstar {

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

}  // namespace northstar
