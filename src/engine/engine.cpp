// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include "base/log.h"
#include "engine/kernel_watch.h"
#include "engine/recovery.h"
#include "repository/install.h"

namespace northstar {

Engine::Methods::Methods(World& world, Runtime& runtime, Authorizer& authorizer, VerityAvailability& verity)
    : release{runtime, world.registry}, packages{world, runtime},
      mounting{world, runtime, packages, authorizer, release, verity},
      files{world.settings, runtime, mounting, authorizer, release}, unmounter{world, runtime, authorizer, release},
      opener{world.registry, runtime, authorizer}, queries{world, runtime, packages, authorizer},
      repositories{world, runtime, authorizer, verity} {}

// Nobody need answer for what is gone; told last, as an answer may go on with a call.
struct Engine::Watches : Observer {
    Watches(World& told, Runtime& runtime, DeviceRelease& release, Authorizer& asked)
        : world{told}, authorizer{asked}, kernel{told, runtime, release} {
        world.observers.add(kernel);
        world.observers.add(*this);
    }
    ~Watches() override {
        world.observers.remove(*this);
        world.observers.remove(kernel);
    }
    Watches(const Watches&) = delete;
    Watches& operator=(const Watches&) = delete;
    void unmounted(const MountRecord& record, UnmountReason) override { authorizer.withdraw(record.id); }

    World& world;
    Authorizer& authorizer;
    KernelWatch kernel;
};

Engine::Engine(EventLoop& loop, Scope& scope, Kernel& kernel, Authority& authority, World& world)
    : world_{world}, runtime_{loop, scope, kernel, world.settings.config},
      authorizer_{authority, modeOf(world.settings.config)}, verity_{runtime_, world.observers},
      methods_{world, runtime_, authorizer_, verity_} {
    adopt();
}

// Jobs that nobody waits for any more still use the rest: the pools go last but for what they use.
Engine::~Engine() {
    runtime_.stopping.request_stop();
    for (Pool* pool : {&runtime_.pools.mounts, &runtime_.pools.bulk, &runtime_.pools.searches, &runtime_.pools.verifier}) {
        pool->drain();
    }
}

void Engine::adopt() {
    runtime_.steps.state().lock();
    for (const auto& [name, repository] : world_.catalog.repositories()) removeInterruptedInstalls(repository->config);
    for (auto& record : recoverMounts(runtime_.steps)) {
        log::info("Adopted {} on {}", record.container(), record.mountPoint);
        world_.registry.add(std::move(record));
    }
}

void Engine::start() {
    watches_ = std::make_unique<Watches>(world_, runtime_, methods_.release, authorizer_);
    runtime_.scope.spawn(methods_.mounting.mountOnStart());
}

void Engine::stop() {
    authorizer_.close();
    runtime_.stopping.request_stop();
}

}  // namespace northstar
