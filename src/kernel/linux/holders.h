// SPDX-License-Identifier: Apache-2.0
// Which processes keep a filesystem busy, as far as /proc shows: open files, working and root directories, programs and
// mappings (proc(5)). A mount of it in another namespace is not seen unless something uses it there.
#pragma once

#include <sys/types.h>

#include <chrono>

#include "base/std.h"
#include "kernel/mount.h"

namespace northstar {

// See Kernel::holders. Each process is named once. Processes that end meanwhile are skipped. Mappings, which
// are expensive to read, count only if nothing else was found. It is an explanation, not an inventory: what
// was not seen within `budget` is left out (a system with thousands of processes takes longer than a caller
// wants to wait for an error). `proc`: where /proc is.
[[nodiscard]] std::vector<Holder> findHolders(dev_t device, std::size_t most,
                                              std::chrono::milliseconds budget = std::chrono::seconds{3},
                                              const std::string& proc = "/proc");

}  // namespace northstar
