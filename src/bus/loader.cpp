// SPDX-License-Identifier: Apache-2.0
#include "bus/loader.h"

#include <spdlog/spdlog.h>

#include "repository/install.h"

namespace northstar::bus {

Loaded loadAll(const std::string& configPath, const Catalog::Repositories& previous) {
    Loaded loaded;
    loaded.config = loadConfig(configPath);
    loaded.fileKeys = loadKeys(loaded.config.fileKeys);
    for (const auto& [name, config] : loaded.config.repositories) {
        auto repository = std::make_shared<Repository>(Repository{name, config, loadKeys(config.keys), {}});
        loaded.fileKeys.add(repository->keys);
        // What was accepted with other keys is looked at again.
        const auto old = previous.find(name);
        const bool sameTrust = old != previous.end() && old->second->config.type == config.type &&
                               old->second->config.dir == config.dir &&
                               old->second->keys.fingerprints() == repository->keys.fingerprints();
        const RepositoryContent known = sameTrust ? old->second->content : RepositoryContent{};
        if (config.type == RepositoryType::Memory) {
            repository->content = known;
        } else {
            repository->content = loadDirectory(name, config, repository->keys, known);
        }
        spdlog::info("Repository {}: {} containers, {} refused", name, repository->content.entries.size(),
                     repository->content.refused.size());
        loaded.repositories.emplace(name, std::move(repository));
    }
    return loaded;
}

void applyLoaded(Core& core, Loaded loaded) {
    const Config& now = core.config;
    if (loaded.config.runDir != now.runDir || loaded.config.stateDir != now.stateDir ||
        loaded.config.workers != now.workers) {
        spdlog::warn("run_dir, state_dir and workers change only when the service is started again");
        loaded.config.runDir = now.runDir;
        loaded.config.stateDir = now.stateDir;
        loaded.config.workers = now.workers;
    }
    core.registry.setLimits({loaded.config.limits.mounts, loaded.config.limits.mountsPerUid});
    core.authorizer.setMode(loaded.config.authorization);
    core.fileKeys = std::move(loaded.fileKeys);
    core.catalog.replace(std::move(loaded.repositories));
    core.config = std::move(loaded.config);
}

}  // namespace northstar::bus
