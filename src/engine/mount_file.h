// SPDX-License-Identifier: Apache-2.0
// MountFile and MountFd: packages that are in no repository. Bus thread only.
#pragma once

#include "async/pool.h"
#include "async/task.h"
#include "auth/authorizer.h"
#include "auth/call.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "engine/device_release.h"
#include "engine/mount.h"
#include "engine/mount_lines.h"
#include "engine/mount_plan.h"
#include "engine/settings.h"
#include "kernel/kernel.h"

namespace northstar {

class FileMounting {
public:
    FileMounting(const Settings& settings, Mounting& mounting, MountLines& lines, Authorizer& authorizer, Pool& pool,
                 Kernel& kernel, DeviceRelease& release)
        : settings_{settings}, mounting_{mounting}, lines_{lines}, authorizer_{authorizer}, pool_{pool},
          kernel_{kernel}, release_{release} {}

    // `path`: absolute and normal.
    Task<Mounted> mountFile(CallPtr call, std::string path, MountRequest request);
    Task<Mounted> mountFd(CallPtr call, UniqueFd npk, MountRequest request);

private:
    [[nodiscard]] MountPlan planFor(const Caller& caller, std::string source, MountRequest request) const;
    void settle(MountPlan& plan) const;
    [[nodiscard]] Details detailsOf(const MountPlan& plan) const;
    Task<> authorizeUnread(CallPtr call, MountPlan plan);
    Task<> read(CallPtr call, UniqueFd npk, MountPlan& plan);
    Task<Mounted> mountOpened(CallPtr call, UniqueFd npk, MountPlan plan);

    const Settings& settings_;
    Mounting& mounting_;
    MountLines& lines_;
    Authorizer& authorizer_;
    Pool& pool_;
    Kernel& kernel_;
    DeviceRelease& release_;
};

}  // namespace northstar
