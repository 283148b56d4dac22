// SPDX-License-Identifier: Apache-2.0
#include "repository/catalog.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace northstar {
namespace {

using Shared = std::shared_ptr<const Repository>;

std::string nameOf(const std::string& container) { return container.substr(0, container.find(':')); }

// The refusal of a file that claims to be this container ("name" matches any version of it).
const Error* findRefusal(const std::vector<Shared>& repositories, const std::string& what) {
    const bool anyVersion = what.find(':') == std::string::npos;
    for (const auto& repository : repositories) {
        for (const auto& [file, refusal] : repository->content.refused) {
            if (refusal.claimed == what || (anyVersion && nameOf(refusal.claimed) == what)) return &refusal.error;
        }
    }
    return nullptr;
}

}  // namespace

void Catalog::set(Shared repository) {
    const std::string name = repository->name;
    repositories_.insert_or_assign(name, std::move(repository));
}

Shared Catalog::repository(const std::string& name) const {
    const auto it = repositories_.find(name);
    if (it == repositories_.end()) {
        throw Error{Code::NoSuchRepository,
                    "There is no repository " + printable(name) + "; see the configuration for those there are"};
    }
    return it->second;
}

Found Catalog::find(const std::string& what, const std::string& repository) const {
    std::vector<Shared> places;
    if (!repository.empty()) {
        places.push_back(this->repository(repository));
    } else {
        for (const auto& [name, place] : repositories_) places.push_back(place);
        std::ranges::stable_partition(places, [](const auto& place) { return place->verified(); });
    }
    // By key, which is the name and the version: a call may name thousands that are not there. ';' comes after ':'.
    const bool exact = what.find(':') != std::string::npos;
    Found best;
    for (const auto& place : places) {
        const auto& entries = place->content.entries;
        const auto [first, last] = exact ? entries.equal_range(what)
                                         : std::pair{entries.lower_bound(what + ':'), entries.lower_bound(what + ';')};
        for (auto it = first; it != last; ++it) {
            const auto& [container, entry] = *it;
            if (!best.repository || best.entry.package->manifest.version < entry.package->manifest.version) {
                best = {place, container, entry};
            }
        }
    }
    if (best.repository) return best;
    if (const Error* refusal = findRefusal(places, what)) throw *refusal;
    throw Error{Code::NoSuchContainer, "There is no container " + printable(what) +
                                           (repository.empty() ? " in any repository" : " in repository " + repository) +
                                           "; ListContainers shows those there are"};
}

// Others may hold the old value: it stays what it was.
void Catalog::change(const std::string& repository, const std::function<void(RepositoryContent&)>& edit) {
    const auto it = repositories_.find(repository);
    if (it == repositories_.end()) return;
    auto changed = std::make_shared<Repository>(*it->second);
    edit(changed->content);
    it->second = std::move(changed);
}

void Catalog::add(const Found& found) {
    change(found.repository->name, [&](RepositoryContent& content) {
        content.entries.insert_or_assign(found.container, found.entry);
        content.refused.erase(found.entry.file.empty() ? found.container : found.entry.file);
    });
}

void Catalog::remove(const std::string& container, const std::string& repository) {
    change(repository, [&](RepositoryContent& content) { content.entries.erase(container); });
}

bool Catalog::update(const Found& found) {
    const auto it = repositories_.find(found.repository->name);
    if (it == repositories_.end()) return false;
    const auto old = it->second->content.entries.find(found.container);
    if (old == it->second->content.entries.end() || old->second.package == found.entry.package) return false;
    change(found.repository->name,
           [&](RepositoryContent& content) { content.entries[found.container] = found.entry; });
    return true;
}

}  // namespace northstar
