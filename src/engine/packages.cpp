// SPDX-License-Identifier: Apache-2.0
#include "engine/packages.h"

#include <fmt/format.h>

#include "base/error.h"
#include "kernel/mount.h"
#include "package/package.h"
#include "repository/repository.h"

namespace northstar {

Task<Found> Packages::current(std::string what, std::string repository, uid_t user) {
    Found found = world_.catalog.find(what, repository);
    if (found.entry.file.empty()) co_return found;
    const Repository& before = *found.repository;
    Lanes<std::string>::Keys keys{{found.container, Entry::Exclusive}};
    const auto turn = co_await reading_.enter(std::move(keys));
    const auto read = [&] { return refresh(before.config, before.keys, found.container, found.entry); };
    found.entry = co_await runtime_.pools.mounts.run(read, user);
    const auto now = world_.catalog.repository(before.name);
    if (now->keys.fingerprints() != before.keys.fingerprints() || now->config.dir != before.config.dir) {
        throwChanged("Cannot use " + found.container, "repository " + now->name + " was changed by a Reload");
    }
    if (!now->content.entries.contains(found.container)) {
        throw Error{
            Code::NoSuchContainer,
            fmt::format("Cannot use {}: it was removed from repository {} at this moment", found.container, now->name)};
    }
    if (world_.catalog.update(found)) world_.observers.repositoryChanged(now->name);
    co_return found;
}

void throwChanged(const std::string& tried, const std::string& what) {
    throw Error{Code::Failed, fmt::format("{}: {} at this moment; try again", tried, what)};
}

void refuseStallingFile(Kernel& kernel, int fd) {
    const FileOrigin origin = kernel.originOf(fd);
    if (!origin.mayStall()) return;
    throw Error{Code::InvalidArgs,
                fmt::format("Cannot use the descriptor: its file is on {}, which may stall; pass a memfd with a copy "
                            "instead",
                            origin.filesystem.empty() ? "a filesystem that is not mounted here"
                                                      : fmt::format("a {} filesystem", origin.filesystem))};
}

UniqueFd openCallerFile(Kernel& kernel, const Caller& caller, int fd) {
    if (caller.euid != 0) refuseStallingFile(kernel, fd);
    return reopenPackageFile(fd);
}

}  // namespace northstar
