// SPDX-License-Identifier: Apache-2.0
// Which processes keep a filesystem busy, as far as /proc shows: open files, working and root directories,
// programs and mappings (proc(5)). A mount of it in another namespace is not seen unless something uses it
// there.
#pragma once

#include <vector>

#include "kernel/kernel.h"

namespace northstar {

// See Kernel::holders. Each process is named once. Processes that end meanwhile are skipped.
[[nodiscard]] std::vector<Holder> findHolders(dev_t device, std::size_t most);

}  // namespace northstar
