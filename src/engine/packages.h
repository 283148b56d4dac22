// SPDX-License-Identifier: Apache-2.0
// The packages of all repositories as their files are now. Bus thread only.
#pragma once

#include "async/event_loop.h"
#include "async/lanes.h"
#include "async/pool.h"
#include "async/task.h"
#include "base/std.h"
#include "engine/observer.h"
#include "repository/catalog.h"

namespace northstar {

class Packages {
public:
    Packages(EventLoop& loop, Catalog& catalog, Pool& pool, Observer& observer)
        : reading_{loop}, catalog_{catalog}, pool_{pool}, observer_{observer} {}

    [[nodiscard]] Catalog& catalog() const noexcept { return catalog_; }

    // What the catalog finds, read again if its file has changed: the file system is asked on a worker. Throws what
    // Catalog::find and refresh throw; NoSuchContainer or Failed if it went, or its repository changed, meanwhile.
    Task<Found> current(std::string what, std::string repository);

private:
    Lanes<std::string> reading_;  // by container: many calls on a slow one keep one worker, not all
    Catalog& catalog_;
    Pool& pool_;
    Observer& observer_;
};

}  // namespace northstar
