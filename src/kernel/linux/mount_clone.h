// SPDX-License-Identifier: Apache-2.0
// A detached copy of a mount, whose attributes nobody can take off.
#pragma once

#include "base/std.h"
#include "base/unique_fd.h"
#include "kernel/mount.h"

namespace northstar {

// See Kernel::cloneMount.
[[nodiscard]] UniqueFd cloneExactly(const MountIdentity& identity, const std::string& mountPoint, CloneFor whom);

}  // namespace northstar
