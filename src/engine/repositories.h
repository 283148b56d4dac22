// SPDX-License-Identifier: Apache-2.0
// Install, Uninstall and Reload: what changes repositories, one at a time, in the order in which it was asked for.
// Bus thread only.
#pragma once

#include "async/task.h"
#include "auth/authorizer.h"
#include "auth/call.h"
#include "base/slow_close.h"
#include "base/std.h"
#include "config/config.h"
#include "engine/external_change.h"
#include "engine/repository_watches.h"
#include "engine/world.h"
#include "repository/load.h"

namespace northstar {

[[nodiscard]] Authorizer::Mode modeOf(const Config& config);

class RepositoryChanges {
public:
    RepositoryChanges(World& world, Runtime& runtime, Authorizer& authorizer, ExternalChanges& external,
                      VerityAvailability& verity)
        : line_{runtime.loop}, world_{world}, runtime_{runtime}, authorizer_{authorizer}, external_{external},
          verity_{verity}, watches_{line_, world, runtime} {}

    // All throw Error. Returns the container that came in. A reload throws Failed, too, if a repository could not be
    // read; all else is in force then.
    Task<std::string> install(CallPtr call, std::string repository, CallerFd npk);
    Task<> uninstall(CallPtr call, std::string repository, std::string what);
    Task<> reload(CallPtr call);
    // What the repositories hold, for the first time.
    Task<> readAtStart();
    // Changes of directories by hand are seen from now on, unless readAtStart() has seen to that.
    void watch() { watches_.follow(); }

private:
    Task<RepositoryLine::Turn> enter() { return enterLine(line_); }

    // Puts in force what does not need to be told: limits, mode, keys, repositories. What cannot change while running
    // (run_dir, state_dir, workers) is logged and stays.
    void apply(Loaded loaded);

    RepositoryLine line_;
    World& world_;
    Runtime& runtime_;
    Authorizer& authorizer_;
    ExternalChanges& external_;
    VerityAvailability& verity_;
    RepositoryWatches watches_;
};

}  // namespace northstar
