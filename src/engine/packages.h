// SPDX-License-Identifier: Apache-2.0
// The packages of all repositories as their files are now. Bus thread only, but for files of callers.
#pragma once

#include <sys/types.h>

#include "async/lanes.h"
#include "async/task.h"
#include "auth/call.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "engine/world.h"
#include "kernel/kernel.h"
#include "repository/catalog.h"

namespace northstar {

class Packages {
public:
    Packages(World& world, Runtime& runtime) : reading_{runtime.loop}, world_{world}, runtime_{runtime} {}

    // What the catalog finds, read again if its file has changed: the file system is asked on a worker. Throws what
    // Catalog::find and refresh throw; NoSuchContainer or Failed if it went, or its repository changed, meanwhile.
    // `user`: whose worker that takes.
    Task<Found> current(std::string what, std::string repository, uid_t user);

private:
    Lanes<std::string> reading_;  // by container: many calls on a slow one keep one worker, not all
    World& world_;
    Runtime& runtime_;
};

// State is checked again after whatever takes time. What has changed meanwhile is the caller's to ask for anew.
[[noreturn]] void throwChanged(const std::string& tried, const std::string& what);

// For files that callers hand over by descriptor: a caller can make reads of its own FUSE file wait for ever, and would
// take a worker with it. Throws InvalidArgs. Any thread.
void refuseStallingFile(Kernel& kernel, int fd);

// The file of a caller's descriptor, opened anew and for nobody else to change (reopenPackageFile); not one that may
// stall, unless it is root's. Any thread. Throws InvalidArgs, Failed.
[[nodiscard]] UniqueFd openCallerFile(Kernel& kernel, const Caller& caller, int fd);

}  // namespace northstar
