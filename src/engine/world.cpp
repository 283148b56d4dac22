// SPDX-License-Identifier: Apache-2.0
#include "engine/world.h"

#include "base/log.h"
#include "config/layers.h"

namespace northstar {

World::World(Loaded loaded, ConfigSource source)
    : settings{std::move(source), std::move(loaded.config), std::move(loaded.fileKeys)},
      registry{{settings.config.limits.mounts, settings.config.limits.mountsPerUid}} {
    catalog.replace(std::move(loaded.repositories));
    if (loaded.complete) repositoriesRead.open();
}

Runtime::Runtime(EventLoop& events, Scope& tasks, Kernel& kernel, const Config& config)
    : loop{events}, scope{tasks}, pools{events, config.workers}, steps{kernel, config.stateDir, stopping.get_token()},
      lines{events} {}

void VerityAvailability::set(bool available) {
    if (std::exchange(available_, available) != available) observer_.verityAvailableChanged();
}

Task<> VerityAvailability::refresh() {
    try {
        auto asking = runtime_.pools.mounts.run([this] { return runtime_.steps.kernel().verityAvailable(); });
        set(co_await asking);
    } catch (const std::exception& error) {  // what it was asked for has its own result
        log::warn("Cannot see whether there is dm-verity: {}", error.what());
    }
}

}  // namespace northstar
