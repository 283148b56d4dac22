// SPDX-License-Identifier: Apache-2.0
#include "engine/packages.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/changed.h"
#include "repository/repository.h"

namespace northstar {

Task<Found> Packages::current(std::string what, std::string repository) {
    Found found = catalog_.find(what, repository);
    if (found.entry.file.empty()) co_return found;
    const Repository& before = *found.repository;
    Lanes<std::string>::Keys keys{{found.container, Entry::Exclusive}};
    const auto turn = co_await reading_.enter(std::move(keys));
    auto reading = pool_.run([&] { return refresh(before.config, before.keys, found.container, found.entry); });
    found.entry = co_await reading;
    const auto now = catalog_.repository(before.name);
    if (now->keys.fingerprints() != before.keys.fingerprints() || now->config.dir != before.config.dir) {
        throwChanged("Cannot use " + found.container, "repository " + now->name + " was changed by a Reload");
    }
    if (!now->content.entries.contains(found.container)) {
        throw Error{
            Code::NoSuchContainer,
            fmt::format("Cannot use {}: it was removed from repository {} at this moment", found.container, now->name)};
    }
    if (catalog_.update(found)) observer_.repositoryChanged(now->name);
    co_return found;
}

}  // namespace northstar
