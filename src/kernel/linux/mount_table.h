// SPDX-License-Identifier: Apache-2.0
// The mount table of our mount namespace, as libmount reads it, and its changes.
#pragma once

#include <sys/types.h>

#include "base/std.h"
#include "kernel/mount.h"

namespace northstar {

// See Kernel::mountsOn. `file`: a table as proc(5) has it under mountinfo. Throws Failed.
[[nodiscard]] std::vector<MountTableEntry> readMountTable(const std::vector<dev_t>& devices,
                                                          const std::string& file = "/proc/self/mountinfo");

// See Kernel::mountsInside. `file`: as above. Throws Failed.
[[nodiscard]] std::vector<std::string> findMountsInside(const MountIdentity& identity, const std::string& mountPoint,
                                                        const std::string& file = "/proc/self/mountinfo");

// Throws Failed.
[[nodiscard]] std::unique_ptr<MountWatch> watchMountTable();

}  // namespace northstar
