// SPDX-License-Identifier: Apache-2.0
// Files that callers hand over by descriptor.
#pragma once

#include <fmt/format.h>

#include "base/error.h"
#include "kernel/kernel.h"
#include "kernel/mount.h"

namespace northstar {

// A caller can make reads of its own FUSE file wait for ever, and would take a worker with it. Throws InvalidArgs.
inline void refuseStallingFile(Kernel& kernel, int fd) {
    const FileOrigin origin = kernel.originOf(fd);
    if (!origin.mayStall()) return;
    throw Error{Code::InvalidArgs,
                fmt::format("Cannot use the descriptor: its file is on {}, which may stall; pass a memfd with a copy "
                            "instead",
                            origin.filesystem.empty() ? "a filesystem that is not mounted here"
                                                      : fmt::format("a {} filesystem", origin.filesystem))};
}

}  // namespace northstar
