// SPDX-License-Identifier: Apache-2.0
// Where an open file lies: on which mount (statx(2)), and with which path (procfs).
#pragma once

#include "kernel/mount.h"

namespace northstar {

// Which mount a descriptor is on: STATX_MNT_ID (Linux 5.8) and STATX_MNT_ID_UNIQUE (6.8). `fd` may be an O_PATH
// descriptor or one from fsmount(2). Throws Failed.
[[nodiscard]] MountIdentity mountIdentity(int fd);

// See Kernel::originOf. As procfs tells it: no filesystem is asked anything, so none can stall us. Throws Failed if
// procfs cannot be read.
[[nodiscard]] FileOrigin findFileOrigin(int fd);

}  // namespace northstar
