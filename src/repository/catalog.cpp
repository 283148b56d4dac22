// SPDX-License-Identifier: Apache-2.0
#include "repository/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <tuple>

namespace northstar {
namespace {

using Shared = std::shared_ptr<const Repository>;

// The entries of a map whose key is this container; of a name: of all its versions; of the beginning of a version: of
// those that begin so. ';' comes after ':', and '/' after '.'.
template <typename Map>
auto rangeOf(const Map& map, const ContainerPattern& pattern) {
    const std::string& name = pattern.container.name;
    if (!pattern.container.version.empty()) return map.equal_range(pattern.container.text());
    if (pattern.versionBegin.empty()) return std::pair{map.lower_bound(name + ':'), map.lower_bound(name + ';')};
    const std::string begin = name + ':' + pattern.versionBegin;
    std::string end = begin;
    end.back() = '/';
    return std::pair{map.lower_bound(begin), map.lower_bound(end)};
}

// What a refused file is asked for by: NAME, NAME:VERSION or NAME-VERSION, each place that a version may begin. Nothing
// that it holds is looked at. The second of two that want one name has "_2": publish() in install.cpp.
std::vector<std::string> claimsOf(std::string stem) {
    if (stem.ends_with(".npk")) stem.resize(stem.size() - 4);
    std::vector<std::string> claims{stem};
    constexpr std::size_t kMostClaims = 5;  // whoever may write to the directory chooses the names
    if (stem.ends_with("_2")) stem.resize(stem.size() - 2);
    for (auto dash = stem.find('-'); dash != std::string::npos && claims.size() < kMostClaims;
         dash = stem.find('-', dash + 1)) {
        const std::string version = stem.substr(dash + 1);
        if (Version::parse(version)) claims.push_back(stem.substr(0, dash) + ":" + version);
    }
    return claims;
}

std::multimap<std::string, std::string> claimsIn(const RepositoryContent& content) {
    std::multimap<std::string, std::string> claims;
    for (const auto& [file, refusal] : content.refused) {
        for (std::string& claim : claimsOf(file)) claims.emplace(std::move(claim), file);
    }
    return claims;
}

}  // namespace

void Catalog::set(Shared repository) {
    const std::string name = repository->name;
    const auto before = repositories_.find(name);
    const bool same =
        before != repositories_.end() && std::ranges::equal(std::views::keys(before->second->content.refused),
                                                            std::views::keys(repository->content.refused));
    if (!same || !claims_.contains(name)) claims_.insert_or_assign(name, claimsIn(repository->content));
    repositories_.insert_or_assign(name, std::move(repository));
}

void Catalog::replace(Repositories repositories) {
    repositories_ = std::move(repositories);
    claims_.clear();
    for (const auto& [name, repository] : repositories_) claims_.emplace(name, claimsIn(repository->content));
}

const Error* Catalog::findRefusal(const std::string& repository, const std::string& what,
                                  const std::optional<ContainerPattern>& pattern) const {
    const auto& claims = claims_.at(repository);
    auto [first, last] = claims.equal_range(what);  // NAME.npk
    if (pattern) {
        const auto [begin, end] = rangeOf(claims, *pattern);
        if (begin != end) std::tie(first, last) = std::pair{begin, end};
    }
    return first == last ? nullptr : &repositories_.at(repository)->content.refused.at(first->second).error;
}

Shared Catalog::repository(const std::string& name) const {
    const auto it = repositories_.find(name);
    if (it == repositories_.end()) {
        throw Error{Code::NoSuchRepository,
                    "There is no repository " + printable(name) + "; see the configuration for those there are"};
    }
    return it->second;
}

Found Catalog::find(const std::string& what, const std::string& inRepository) const {
    const auto pattern = ContainerPattern::parse(what);
    const bool prefixed = pattern && !pattern->repository.empty();
    if (prefixed && !inRepository.empty() && inRepository != pattern->repository) {
        throw Error{Code::InvalidArgs, fmt::format("Cannot look for {} in repository {}: name one repository", what,
                                                   printable(inRepository))};
    }
    const std::string repository = prefixed ? pattern->repository : inRepository;
    std::vector<Shared> places;
    if (!repository.empty()) {
        places.push_back(this->repository(repository));
    } else {
        for (const auto& [name, place] : repositories_) places.push_back(place);
        std::ranges::stable_partition(places, [](const auto& place) { return place->verified(); });
    }
    // By key: a call may name thousands that are not there.
    Found best;
    for (const auto& place : pattern ? places : std::vector<Shared>{}) {
        // Whoever may write to a directory without keys must not get in front of signed containers by a version.
        if (best.repository && best.repository->verified() && !place->verified()) break;
        const auto [first, last] = rangeOf(place->content.entries, *pattern);
        for (auto it = first; it != last; ++it) {
            const auto& [container, entry] = *it;
            if (!best.repository || best.entry.package->manifest.version < entry.package->manifest.version) {
                best = {place, container, entry};
            }
        }
    }
    if (best.repository) return best;
    for (const auto& place : places) {
        if (const Error* refusal = findRefusal(place->name, what, pattern)) throw *refusal;
    }
    throw Error{Code::NoSuchContainer,
                "There is no container " + printable(what) +
                    (repository.empty() ? " in any repository" : " in repository " + repository) +
                    "; ListContainers shows those there are"};
}

// Others may hold the old value: it stays what it was.
void Catalog::change(const std::string& repository, const std::function<void(RepositoryContent&)>& edit) {
    const auto it = repositories_.find(repository);
    if (it == repositories_.end()) return;
    auto changed = std::make_shared<Repository>(*it->second);
    edit(changed->content);
    set(std::move(changed));
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
    if (old == it->second->content.entries.end() || old->second.package->identity == found.entry.package->identity) {
        return false;
    }
    change(found.repository->name, [&](RepositoryContent& content) {
        content.entries[found.container] = {found.entry.file, withDescriptor(*found.entry.package, {}), nullptr};
    });
    return true;
}

}  // namespace northstar
