// SPDX-License-Identifier: Apache-2.0
// ListContainers, Inspect, Verify: what there is, and whether it is intact. Bus thread only.
#pragma once

#include <stop_token>

#include "async/pool.h"
#include "async/task.h"
#include "auth/authorizer.h"
#include "auth/call.h"
#include "base/std.h"
#include "engine/packages.h"
#include "registry/registry.h"
#include "repository/catalog.h"

namespace northstar {

struct ListedContainer {
    std::string name, version, repository;
    bool mounted = false;
};

struct Inspected {
    Found found;
    bool mounted = false;
};

class Queries {
public:
    // `verifier`: for whole-image checks alone; each of them uses every processor, so it has one thread.
    Queries(const Registry& registry, Packages& packages, Authorizer& authorizer, Pool& verifier,
            std::stop_token stopping)
        : registry_{registry}, packages_{packages}, authorizer_{authorizer}, verifier_{verifier},
          stopping_{std::move(stopping)} {}

    [[nodiscard]] std::vector<ListedContainer> containers() const;

    // Throws NoSuchContainer, and what the package was refused with.
    Task<Inspected> inspect(std::string what);

    // Does every block match the signed root hash? Given up when the caller leaves or the service stops. Throws Error.
    Task<bool> verify(CallPtr call, std::string what, std::string repository);

private:
    const Registry& registry_;
    Packages& packages_;
    Authorizer& authorizer_;
    Pool& verifier_;
    std::stop_token stopping_;
};

}  // namespace northstar
