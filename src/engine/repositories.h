// SPDX-License-Identifier: Apache-2.0
// Install, Uninstall and Reload: what changes repositories, one at a time, in the order in which it was asked for.
// Bus thread only.
#pragma once

#include <stop_token>
#include <variant>

#include "async/event_loop.h"
#include "async/lanes.h"
#include "async/pool.h"
#include "async/task.h"
#include "auth/authorizer.h"
#include "auth/call.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "engine/observer.h"
#include "engine/settings.h"
#include "engine/verity_availability.h"
#include "kernel/kernel.h"
#include "registry/registry.h"
#include "repository/catalog.h"
#include "repository/load.h"

namespace northstar {

[[nodiscard]] Authorizer::Mode modeOf(const Config& config);

// Puts in force what does not need to be told: limits, mode, keys, repositories. What cannot change while running
// (run_dir, state_dir, workers) is logged and stays.
void applyLoaded(Loaded loaded, Settings& settings, Catalog& catalog, Registry& registry, Authorizer& authorizer);

class RepositoryChanges {
public:
    // `pool`: for this alone: long work that must not keep mounts waiting.
    RepositoryChanges(EventLoop& loop, Settings& settings, Catalog& catalog, Registry& registry, Authorizer& authorizer,
                      Pool& pool, Kernel& kernel, VerityAvailability& verity, Observer& observer,
                      std::stop_token stopping)
        : line_{loop}, settings_{settings}, catalog_{catalog}, registry_{registry}, authorizer_{authorizer},
          pool_{pool}, kernel_{kernel}, verity_{verity}, observer_{observer}, stopping_{std::move(stopping)} {}

    // All throw Error. Returns the container that came in.
    Task<std::string> install(CallPtr call, std::string repository, UniqueFd npk);
    Task<> uninstall(CallPtr call, std::string repository, std::string what);
    Task<> reload(CallPtr call);

private:
    using Line = Lanes<std::monostate>;  // one line for all
    Task<Line::Turn> enter() { return line_.enter({{{}, Entry::Exclusive}}); }

    Line line_;
    Settings& settings_;
    Catalog& catalog_;
    Registry& registry_;
    Authorizer& authorizer_;
    Pool& pool_;
    Kernel& kernel_;
    VerityAvailability& verity_;
    Observer& observer_;
    std::stop_token stopping_;
};

}  // namespace northstar
