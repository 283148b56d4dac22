// SPDX-License-Identifier: Apache-2.0
#include "repository/load.h"

#include "base/error.h"
#include "base/log.h"
#include "config/layers.h"
#include "repository/list_limit.h"
#include "repository/patient_load.h"
#include "repository/repository.h"

namespace northstar {
namespace {

// `key`: where their paths stand, as ConfigReport calls it. What is no key is a problem there.
KeyRing loadKeys(const std::vector<std::string>& files, const std::string& key, ConfigReport& report) {
    KeyRing keys;
    for (std::size_t i = 0; i < files.size(); ++i) {
        try {
            keys.add(loadPublicKey(files[i]));
        } catch (const Error& error) {
            report.problems.add(report.places.at(key + "." + std::to_string(i)), key + ": " + error.what());
        }
    }
    return keys;
}

// What was accepted with other keys is looked at again.
RepositoryContent load(const Repository& repository, const Repository* before, std::vector<ContainerOf>& dropped,
                       const std::stop_token& stop) {
    const RepositoryContent known = before != nullptr ? before->content : RepositoryContent{};
    const bool sameKeys = before != nullptr && before->keys.fingerprints() == repository.keys.fingerprints();
    if (repository.config.type == RepositoryType::Directory) {
        return loadPatiently(repository, sameKeys ? known : RepositoryContent{}, stop);
    }
    if (sameKeys) return known;
    RepositoryContent content = checkMemoryAgain(repository.name, repository.keys, known);
    for (const auto& [container, refusal] : content.refused) dropped.push_back({container, repository.name});
    return content;
}

}  // namespace

Loaded loadSettings(const ConfigSource& source) {
    Loaded loaded;
    ConfigReport report = readConfig(source);
    loaded.fileKeys = loadKeys(report.config.fileKeys, "files.keys", report);
    for (const auto& [name, config] : report.config.repositories) {
        KeyRing keys = loadKeys(config.keys, keyOf(name, "keys"), report);
        loaded.fileKeys.add(keys);
        loaded.repositories.emplace(name,
                                    std::make_shared<const Repository>(Repository{name, config, std::move(keys), {}}));
    }
    report.problems.refuse();
    loaded.config = std::move(report.config);
    loaded.files = std::move(report.files);
    return loaded;
}

void readRepositories(Loaded& loaded, const Catalog::Repositories& previous, const std::stop_token& stop) {
    std::size_t room = kMostListed;
    for (auto& [name, settings] : loaded.repositories) {
        auto repository = std::make_shared<Repository>(*settings);
        const RepositoryConfig& config = repository->config;
        const auto old = previous.find(name);
        const bool same =
            old != previous.end() && old->second->config.type == config.type && old->second->config.dir == config.dir;
        repository->content = load(*repository, same ? old->second.get() : nullptr, loaded.dropped, stop);
        if (config.type == RepositoryType::Directory) refuseBeyond(repository->content, name, room);
        room -= std::min(room, repository->content.entries.size());
        if (!repository->content.problem.empty()) loaded.problems.push_back(repository->content.problem);
        log::info("Repository {}: {} containers, {} refused", name, repository->content.entries.size(),
                  repository->content.refused.size());
        settings = std::move(repository);
    }
    loaded.complete = true;
}

Loaded loadAll(const ConfigSource& source, const Catalog::Repositories& previous, const std::stop_token& stop) {
    Loaded loaded = loadSettings(source);
    readRepositories(loaded, previous, stop);
    return loaded;
}

}  // namespace northstar
