// SPDX-License-Identifier: Apache-2.0
// What polkit's rules, and the people that it asks, see of a call.
#pragma once

#include "auth/authorizer.h"
#include "base/std.h"
#include "engine/mount_plan.h"
#include "kernel/device.h"
#include "package/container_name.h"
#include "registry/mount_record.h"

namespace northstar {

// As the option is written.
[[nodiscard]] const char* toString(VerityMode mode);

// Of a container; an empty repository: a file or descriptor.
[[nodiscard]] Details containerDetails(const ContainerName& container, const std::string& repository, bool verified);

// Of a mount that exists.
[[nodiscard]] Details mountedDetails(const MountRecord& record);

// Of a mount that is asked for, once its container is known.
[[nodiscard]] Details planDetails(const MountPlan& plan);

// Of a file that has not been read: only where it comes from and goes to. `place`: the target, or the directory in
// which its mount point will be.
[[nodiscard]] Details unreadDetails(const MountPlan& plan, const std::string& place);

// What a person is asked, with what the kernel will do about damage if that is more than to fail a read.
[[nodiscard]] std::string askToMount(const std::string& what, VerityMode mode);

}  // namespace northstar
