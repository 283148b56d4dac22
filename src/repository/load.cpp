// SPDX-License-Identifier: Apache-2.0
#include "repository/load.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "config/layers.h"
#include "package/package.h"
#include "repository/list_limit.h"
#include "repository/patient_load.h"
#include "repository/repository.h"
#include "repository/watch.h"

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
RepositoryContent load(Repository& repository, const Repository* before, std::vector<ContainerOf>& dropped,
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

// A watch that does not work goes; returns why.
std::string takeFailure(Repository& repository) {
    if (!repository.watch) return {};
    std::string failure = repository.watch->failure();
    if (!failure.empty()) repository.watch.reset();
    return failure;
}

bool isSamePackage(const Package& a, const Package& b) {
    if (a.verity && b.verity) return a.verity->rootHash == b.verity->rootHash && a.signer == b.signer;
    FileIdentity same = a.identity;
    same.changed = b.identity.changed;  // of the mode, or of another link
    return same == b.identity;
}

Difference compare(const RepositoryContent& before, const RepositoryContent& now) {
    Difference difference;
    const auto told = [](const auto& a, const auto& b) {
        return a.first == b.first && std::string_view{a.second.error.what()} == b.second.error.what();
    };
    difference.any = !std::ranges::equal(before.refused, now.refused, told);
    for (const auto& [container, entry] : before.entries) {
        const auto it = now.entries.find(container);
        if (it == now.entries.end() || !isSamePackage(*entry.package, *it->second.package)) {
            difference.gone.push_back(container);
        } else if (entry.package->identity != it->second.package->identity) {
            difference.any = true;
        }
    }
    for (const auto& [container, entry] : now.entries) {
        const auto it = before.entries.find(container);
        if (it == before.entries.end() || !isSamePackage(*entry.package, *it->second.package)) {
            difference.came.push_back(container);
        }
    }
    difference.any = difference.any || !difference.gone.empty() || !difference.came.empty();
    return difference;
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
    std::map<std::string, std::vector<std::string>> notWatched;  // repositories by reason
    for (auto& [name, settings] : loaded.repositories) {
        auto repository = std::make_shared<Repository>(*settings);
        const RepositoryConfig& config = repository->config;
        const auto old = previous.find(name);
        const bool same =
            old != previous.end() && old->second->config.type == config.type && old->second->config.dir == config.dir;
        const bool watched = same && old->second->watch;
        if (config.watch)
            repository->watch = watched ? old->second->watch : std::make_shared<DirectoryWatch>(config.dir);
        repository->content = load(*repository, same ? old->second.get() : nullptr, loaded.dropped, stop);
        if (config.type == RepositoryType::Directory) refuseBeyond(repository->content, name, room);
        room -= std::min(room, repository->content.entries.size());
        if (watched && config.watch) {
            loaded.differences.emplace(name, compare(old->second->content, repository->content));
        }
        if (!repository->content.problem.empty()) loaded.problems.push_back(repository->content.problem);
        log::info("Repository {}: {} containers, {} refused", name, repository->content.entries.size(),
                  repository->content.refused.size());
        if (const std::string why = takeFailure(*repository); !why.empty()) notWatched[why].push_back(name);
        settings = std::move(repository);
    }
    for (const auto& [why, names] : notWatched) {
        log::warn("Changes by hand are not seen in {}: {}", fmt::join(names, ", "), why);
    }
    loaded.complete = true;
}

Loaded loadAll(const ConfigSource& source, const Catalog::Repositories& previous, const std::stop_token& stop) {
    Loaded loaded = loadSettings(source);
    readRepositories(loaded, previous, stop);
    return loaded;
}

Looked lookAgain(const std::shared_ptr<const Repository>& before, Noted noted, std::size_t room,
                 const std::stop_token& stop) {
    Looked looked;
    const std::shared_ptr<DirectoryWatch> watch = before->watch;
    watch->drain(noted);
    if (!noted.any() && !watch->unsettled()) return looked;
    PatientLook look = lookPatiently(before, std::move(noted), stop);
    looked.again = look.answered && watch->unsettled();
    const bool watched = look.answered && watch->failure().empty();
    if (!look.content && watched) return looked;
    RepositoryContent content = look.content ? std::move(*look.content) : RepositoryContent{before->content};
    Repository now{before->name, before->config, before->keys, std::move(content), look.answered ? watch : nullptr};
    if (const std::string why = takeFailure(now); !why.empty()) {
        log::warn("Changes by hand are no longer seen in {}: {}", now.name, why);
    }
    refuseBeyond(now.content, now.name, room);
    looked.difference = compare(before->content, now.content);
    if (looked.difference.any) {
        log::info("Repository {}: {} containers, {} refused; {} came, {} went", now.name, now.content.entries.size(),
                  now.content.refused.size(), looked.difference.came.size(), looked.difference.gone.size());
    }
    looked.repository = std::make_shared<const Repository>(std::move(now));
    return looked;
}

}  // namespace northstar
