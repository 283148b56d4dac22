// SPDX-License-Identifier: Apache-2.0
// Where an open file lies, as procfs tells it. No filesystem is asked anything, so none can stall us.
#pragma once

#include "base/std.h"
#include "kernel/file_origin.h"

namespace northstar {

// The mount that a descriptor is on: proc_pid_fdinfo(5). The descriptor keeps it, so its number is no other's.
[[nodiscard]] std::optional<std::uint64_t> mountIdOf(int fd);

// See Kernel::originOf.
[[nodiscard]] FileOrigin findFileOrigin(int fd);

}  // namespace northstar
