// SPDX-License-Identifier: Apache-2.0
// The engine, put together: what the objects on the bus call, and what works beside the calls. Bus thread only.
#pragma once

#include "async/event_loop.h"
#include "async/scope.h"
#include "async/task.h"
#include "auth/authorizer.h"
#include "base/std.h"
#include "engine/external_change.h"
#include "engine/kernel_watch.h"
#include "engine/mount.h"
#include "engine/mount_file.h"
#include "engine/observer.h"
#include "engine/packages.h"
#include "engine/query.h"
#include "engine/replace.h"
#include "engine/repositories.h"
#include "engine/unmount.h"
#include "engine/world.h"
#include "kernel/kernel.h"
#include "registry/mount_record.h"

namespace northstar {

class Engine : private Observer {
public:
    // Takes the state directory for itself, removes what a predecessor left, and adopts its mounts. All arguments must
    // outlive it. Throws Error.
    Engine(EventLoop& loop, Scope& scope, Kernel& kernel, Authority& authority, World& world);
    ~Engine() override;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Watches what the kernel tells, reads the repositories, unless that was done, and mounts what is to be mounted at
    // start: once the observers are in place.
    void start();
    // Questions and long work are given up from now on, and what has begun ends soon: the scope runs empty.
    void stop();

    // What each of them shares with others is made once.
    struct Methods {
        Methods(World& world, Runtime& runtime, Authorizer& authorizer, VerityAvailability& verity);

        DeviceRelease release;
        ExternalChanges external;
        Packages packages;
        Mounting mounting;
        FileMounting files;
        Unmounter unmounter;
        Replacing replacing;
        Opener opener;
        Queries queries;
        RepositoryChanges repositories;
    };
    [[nodiscard]] Methods& methods() noexcept { return methods_; }
    [[nodiscard]] bool verityAvailable() const noexcept { return verity_.available(); }

private:
    Task<> startUp();

    // Nobody need answer for what is gone.
    void unmounted(const MountRecord& record, UnmountReason) override { authorizer_.withdraw(record.id); }

    World& world_;
    Runtime runtime_;
    Authorizer authorizer_;
    VerityAvailability verity_;
    Methods methods_;
    std::unique_ptr<KernelWatch> watch_;
};

}  // namespace northstar
