// SPDX-License-Identifier: Apache-2.0
// The engine, put together: what the objects on the bus call, and what works beside the calls. Bus thread only.
#pragma once

#include <stop_token>

#include "async/event_loop.h"
#include "async/scope.h"
#include "auth/authorizer.h"
#include "base/std.h"
#include "engine/device_release.h"
#include "engine/holder_search.h"
#include "engine/mount.h"
#include "engine/mount_file.h"
#include "engine/mount_lines.h"
#include "engine/mount_steps.h"
#include "engine/observer.h"
#include "engine/open.h"
#include "engine/packages.h"
#include "engine/query.h"
#include "engine/repositories.h"
#include "engine/settings.h"
#include "engine/unmount.h"
#include "kernel/kernel.h"
#include "registry/registry.h"
#include "repository/catalog.h"
#include "repository/load.h"

namespace northstar {

// What there is: plain state of the bus thread, and who is told when it changes.
struct World {
    World(Loaded loaded, std::string configPath);

    Settings settings;
    Registry registry;
    Catalog catalog;
    Observers observers;
};

// Threads for what blocks, apart by how long it may take.
struct Pools {
    Pools(EventLoop& loop, unsigned workers)
        : mounts{loop, workers}, bulk{loop, 1}, searches{loop, 1}, verifier{loop, 1} {}

    Pool mounts;    // milliseconds: mounts, unmounts, looks at files and devices
    Pool bulk;      // installs, reloads
    Pool searches;  // for who holds a mount: seconds on a machine with many processes
    Pool verifier;  // whole-image checks, one at a time: each of them uses every processor
};

class Engine {
public:
    // Takes the state directory for itself, removes what a predecessor left, and adopts its mounts. All arguments must
    // outlive it. Throws Error.
    Engine(EventLoop& loop, Scope& scope, Kernel& kernel, Authority& authority, World& world);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Watches what the kernel tells, and mounts what is to be mounted at start: once the observers are in place.
    void start();
    // Questions and long work are given up from now on, and what has begun ends soon: the scope runs empty.
    void stop();

    struct Methods;
    [[nodiscard]] Methods& methods() noexcept { return *methods_; }
    [[nodiscard]] bool verityAvailable() const noexcept { return verity_.available(); }

private:
    struct Watches;
    struct Withdrawal;
    void adopt();

    EventLoop& loop_;
    Scope& scope_;
    World& world_;
    std::stop_source stopping_;
    Pools pools_;
    MountSteps steps_;
    Authorizer authorizer_;
    VerityAvailability verity_;
    std::unique_ptr<Methods> methods_;
    std::unique_ptr<Watches> watches_;
};

// What each of them shares with others is made once.
struct Engine::Methods {
    Methods(EventLoop& loop, World& world, Pools& pools, const MountSteps& steps, Authorizer& authorizer,
            VerityAvailability& verity, const std::stop_token& stopping);

    MountLines lines;
    DeviceRelease release;
    Packages packages;
    HolderSearch holders;

    Mounting mounting;
    FileMounting files;
    Unmounter unmounter;
    Opener opener;
    Queries queries;
    RepositoryChanges repositories;
};

}  // namespace northstar
