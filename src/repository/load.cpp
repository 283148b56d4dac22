// SPDX-License-Identifier: Apache-2.0
#include "repository/load.h"

#include "base/log.h"
#include "repository/repository.h"

namespace northstar {
namespace {

// What was accepted with other keys is looked at again.
RepositoryContent load(const Repository& repository, const Repository* before, std::vector<ContainerOf>& dropped) {
    const RepositoryContent known = before != nullptr ? before->content : RepositoryContent{};
    const bool sameKeys = before != nullptr && before->keys.fingerprints() == repository.keys.fingerprints();
    if (repository.config.type == RepositoryType::Directory) {
        return loadDirectory(repository.name, repository.config, repository.keys,
                             sameKeys ? known : RepositoryContent{});
    }
    if (sameKeys) return known;
    RepositoryContent content = checkMemoryAgain(repository.name, repository.keys, known);
    for (const auto& [container, refusal] : content.refused) dropped.push_back({container, repository.name});
    return content;
}

}  // namespace

Loaded loadAll(const std::string& configPath, const Catalog::Repositories& previous) {
    Loaded loaded;
    loaded.config = loadConfig(configPath);
    loaded.fileKeys = loadKeys(loaded.config.fileKeys);
    for (const auto& [name, config] : loaded.config.repositories) {
        auto repository = std::make_shared<Repository>(Repository{name, config, loadKeys(config.keys), {}});
        loaded.fileKeys.add(repository->keys);
        const auto old = previous.find(name);
        const bool same =
            old != previous.end() && old->second->config.type == config.type && old->second->config.dir == config.dir;
        repository->content = load(*repository, same ? old->second.get() : nullptr, loaded.dropped);
        if (!repository->content.problem.empty()) loaded.problems.push_back(repository->content.problem);
        log::info("Repository {}: {} containers, {} refused", name, repository->content.entries.size(),
                  repository->content.refused.size());
        loaded.repositories.emplace(name, std::move(repository));
    }
    return loaded;
}

}  // namespace northstar
