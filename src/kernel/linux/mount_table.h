// SPDX-License-Identifier: Apache-2.0
// The mount table of our mount namespace, and changes of it (proc(5), /proc/self/mountinfo), through
// libmount.
#pragma once

#include <sys/types.h>

#include "base/std.h"
#include "kernel/mount.h"
#include "kernel/watch.h"

namespace northstar {

// See Kernel::mountsOn. Throws Failed.
[[nodiscard]] std::vector<MountTableEntry> readMountTable(const std::vector<dev_t>& devices);

// Throws Failed.
[[nodiscard]] std::unique_ptr<MountWatch> watchMountTable();

}  // namespace northstar
