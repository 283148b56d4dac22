// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include "async/event_loop.h"
#include "async/scope.h"
#include "auth/authorizer.h"
#include "base/log.h"
#include "engine/corruption_reports.h"
#include "engine/external_unmount.h"
#include "engine/mount_steps.h"
#include "engine/mount_table_watch.h"
#include "engine/observer.h"
#include "engine/recovery.h"
#include "engine/verity_availability.h"
#include "kernel/kernel.h"
#include "registry/mount_record.h"
#include "repository/install.h"
#include "repository/load.h"

namespace northstar {

World::World(Loaded loaded, std::string configPath)
    : settings{std::move(configPath), std::move(loaded.config), std::move(loaded.fileKeys)},
      registry{{settings.config.limits.mounts, settings.config.limits.mountsPerUid}} {
    catalog.replace(std::move(loaded.repositories));
}

Engine::Methods::Methods(EventLoop& loop, World& world, Pools& pools, const MountSteps& steps, Authorizer& authorizer,
                         VerityAvailability& verity, const std::stop_token& stopping)
    : lines{loop}, release{loop, pools.mounts, steps, world.registry, stopping},
      packages{loop, world.catalog, pools.mounts, world.observers},
      holders{pools.searches, steps, world.registry, stopping},
      mounting{world.settings, packages,       lines,   authorizer, pools.mounts,
               steps,          world.registry, release, verity,     world.observers},
      files{world.settings, mounting, lines, authorizer, pools.mounts, steps.kernel(), release},
      unmounter{lines, authorizer, pools.mounts, steps, world.registry, release, holders, world.observers},
      opener{authorizer, pools.mounts, steps.kernel(), world.registry},
      queries{world.registry, packages, authorizer, pools.verifier, stopping},
      repositories{loop,       world.settings, world.catalog, world.registry,  authorizer,
                   pools.bulk, steps.kernel(), verity,        world.observers, stopping} {}

// Nobody need answer for what is gone; told last, as an answer may go on with a call.
struct Engine::Withdrawal : Observer {
    explicit Withdrawal(Authorizer& asked) : authorizer{asked} {}
    void unmounted(const MountRecord& record, UnmountReason) override { authorizer.withdraw(record.id); }
    Authorizer& authorizer;
};

struct Engine::Watches {
    Watches(EventLoop& loop, Scope& scope, World& told, Pools& pools, const MountSteps& steps, Methods& methods,
            Authorizer& authorizer, const std::stop_token& stopping)
        : world{told},
          unmount{scope, pools.mounts, steps, world.registry, methods.lines, methods.release, world.observers},
          corruption{loop, scope, pools.mounts, steps, world.registry, methods.lines, world.observers},
          table{loop, scope, pools.mounts, steps.kernel(), world.registry, unmount, corruption, stopping},
          withdrawal{authorizer} {
        world.observers.add(table);
        world.observers.add(withdrawal);
    }
    ~Watches() {
        world.observers.remove(withdrawal);
        world.observers.remove(table);
    }
    Watches(const Watches&) = delete;
    Watches& operator=(const Watches&) = delete;

    World& world;
    ExternalUnmount unmount;
    CorruptionReports corruption;
    MountTableWatch table;
    Withdrawal withdrawal;
};

Engine::Engine(EventLoop& loop, Scope& scope, Kernel& kernel, Authority& authority, World& world)
    : loop_{loop}, scope_{scope}, world_{world}, pools_{loop, world.settings.config.workers},
      steps_{kernel, world.settings.config.stateDir, stopping_.get_token()},
      authorizer_{authority, modeOf(world.settings.config)}, verity_{kernel, pools_.mounts, world.observers},
      methods_{std::make_unique<Methods>(loop, world, pools_, steps_, authorizer_, verity_, stopping_.get_token())} {
    adopt();
}

// Jobs that nobody waits for any more still use the rest: the pools go last but for what they use.
Engine::~Engine() {
    stopping_.request_stop();
    pools_.mounts.drain();
    pools_.bulk.drain();
    pools_.searches.drain();
    pools_.verifier.drain();
}

void Engine::adopt() {
    steps_.state().lock();
    for (const auto& [name, repository] : world_.catalog.repositories()) removeInterruptedInstalls(repository->config);
    for (auto& record : recoverMounts(steps_)) {
        log::info("Adopted {} on {}", record.container(), record.mountPoint);
        world_.registry.add(std::move(record));
    }
}

void Engine::start() {
    watches_ =
        std::make_unique<Watches>(loop_, scope_, world_, pools_, steps_, *methods_, authorizer_, stopping_.get_token());
    scope_.spawn(methods_->mounting.mountOnStart());
}

void Engine::stop() {
    authorizer_.close();
    stopping_.request_stop();
}

}  // namespace northstar
