// SPDX-License-Identifier: Apache-2.0
// Which mount a descriptor is on: statx(2), STATX_MNT_ID (Linux 5.8) and STATX_MNT_ID_UNIQUE (6.8).
#pragma once

#include "kernel/mount.h"

namespace northstar {

// `fd` may be an O_PATH descriptor or one from fsmount(2). Throws Failed.
[[nodiscard]] MountIdentity mountIdentity(int fd);

}  // namespace northstar
