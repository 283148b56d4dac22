// SPDX-License-Identifier: Apache-2.0
// ListContainers, Inspect, Verify, Open: what there is, whether it is intact, and a clone of it. Bus thread only.
#pragma once

#include "async/task.h"
#include "auth/authorizer.h"
#include "auth/call.h"
#include "base/slow_close.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "engine/mount_ref.h"
#include "engine/packages.h"
#include "engine/world.h"
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
    Queries(const World& world, Runtime& runtime, Packages& packages, Authorizer& authorizer)
        : world_{world}, runtime_{runtime}, packages_{packages}, authorizer_{authorizer} {}

    [[nodiscard]] std::vector<ListedContainer> containers() const;

    // Throws NoSuchContainer, and what the package was refused with.
    Task<Inspected> inspect(CallPtr call, std::string what);

    // Does every block match the signed root hash? Given up when the caller leaves or the service stops. Throws Error.
    Task<bool> verify(CallPtr call, std::string what, std::string repository);

private:
    const World& world_;
    Runtime& runtime_;
    Packages& packages_;
    Authorizer& authorizer_;
};

// Open of a mount: a detached clone for a caller's own mount namespace.
class Opener {
public:
    Opener(const Registry& registry, Runtime& runtime, Authorizer& authorizer)
        : registry_{registry}, runtime_{runtime}, authorizer_{authorizer} {}

    // Throws NotMounted, AccessDenied, Unsupported, Failed.
    // `userNamespace`: a caller's descriptor of what its files shall belong to; null for none. Throws InvalidArgs, too.
    Task<UniqueFd> open(CallPtr call, MountRef what, std::shared_ptr<CallerFd> userNamespace = nullptr);

private:
    const Registry& registry_;
    Runtime& runtime_;
    Authorizer& authorizer_;
};

}  // namespace northstar
