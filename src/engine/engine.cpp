// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include "base/error.h"
#include "base/log.h"
#include "engine/recovery.h"

namespace northstar {

Engine::Methods::Methods(World& world, Runtime& runtime, Authorizer& authorizer, VerityAvailability& verity)
    : release{runtime, world.registry}, external{world, runtime, release}, packages{world, runtime},
      mounting{world, runtime, packages, authorizer, release, external, verity},
      files{world.settings, runtime, mounting, authorizer, release, external},
      unmounter{world, runtime, authorizer, release},
      replacing{world, runtime, mounting, authorizer, release, external, verity},
      opener{world.registry, runtime, authorizer}, queries{world, runtime, packages, authorizer},
      repositories{world, runtime, authorizer, external, verity} {}

Engine::Engine(EventLoop& loop, Scope& scope, Kernel& kernel, Authority& authority, World& world)
    : world_{world}, runtime_{loop, scope, kernel, world.settings.config},
      authorizer_{authority, modeOf(world.settings.config)}, verity_{runtime_, world.observers},
      methods_{world, runtime_, authorizer_, verity_} {
    runtime_.steps.state().lock();
    for (auto& record : recoverMounts(runtime_.steps)) {
        log::info("Adopted {} on {}", record.container(), record.mountPoint);
        world_.registry.add(std::move(record));
    }
}

// Jobs that nobody waits for any more still use the rest: the pools go last but for what they use.
Engine::~Engine() {
    runtime_.stopping.request_stop();
    runtime_.pools.mounts.drain();
    runtime_.pools.files.drain();
    runtime_.pools.bulk.drain();
    runtime_.pools.searches.drain();
    runtime_.pools.verifier.drain();
    world_.observers.remove(*this);
}

void Engine::start() {
    watch_ = std::make_unique<KernelWatch>(world_, runtime_, methods_.external);
    world_.observers.add(*this);  // last, as an answer may go on with a call
    runtime_.scope.spawn(startUp());
}

Task<> Engine::startUp() {
    if (world_.repositoriesRead.isOpen()) {
        methods_.repositories.watch();
    } else {
        try {
            co_await methods_.repositories.readAtStart();
        } catch (const std::exception& error) {
            log::error("Cannot read the repositories, they are empty: {}", error.what());
        }
        std::optional<Error> refusal;
        if (runtime_.stopping.stop_requested()) {
            refusal = Error{Code::Failed, "The service is stopping; try again when it runs"};
        }
        world_.repositoriesRead.open(std::move(refusal));
    }
    if (!runtime_.stopping.stop_requested()) co_await methods_.mounting.mountOnStart();
}

void Engine::stop() {
    authorizer_.close();
    runtime_.stopping.request_stop();
}

}  // namespace northstar
