// SPDX-License-Identifier: Apache-2.0
#include "engine/repositories.h"

#include <fmt/format.h>

#include <stop_token>

#include "auth/method_table.h"
#include "base/error.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "engine/mount_plan.h"
#include "engine/packages.h"
#include "package/container_name.h"
#include "registry/registry.h"
#include "repository/catalog.h"
#include "repository/install.h"
#include "repository/list_limit.h"
#include "repository/repository.h"

namespace northstar {
namespace {

// `verified`: what was authorized; a reload may have come between the question and the answer.
void refuseOtherTrust(const Repository& repository, bool verified) {
    if (repository.verified() != verified)
        throwChanged("Cannot change repository " + repository.name, "its keys changed");
}

void refuseMounted(const Registry& registry, const std::string& container, const std::string& repository) {
    const bool mounted = registry.isMounted(container, repository);
    if (!mounted && !registry.isReserved(container, repository)) return;
    throw Error{Code::Busy, fmt::format("Cannot uninstall {} from {}: it is {}; unmount it first", container,
                                        repository, mounted ? "mounted" : "being mounted")};
}

}  // namespace

Authorizer::Mode modeOf(const Config& config) {
    return config.authorization == Authorization::RootOnly ? Authorizer::Mode::RootOnly
                                                           : Authorizer::Mode::AskAuthority;
}

Task<std::string> RepositoryChanges::install(CallPtr call, std::string repository, CallerFd npk) {
    const auto asked = world_.catalog.repository(repository);
    const std::string name = "for repository " + repository;
    const auto look = [&] {
        const UniqueFd file = openCallerFile(runtime_.steps.kernel(), call->caller, npk.get());
        return identifyIncoming(*asked, file.get(), name);
    };
    const Incoming agreed = co_await runtime_.pools.files.run(look, call->caller.euid);
    Details details = containerDetails(agreed.container, repository, asked->verified());
    if (!agreed.signer.empty()) details["key"] = agreed.signer;
    details["polkit.message"] = "Authentication is required to install $(container) into the repository $(repository)";
    co_await authorizer_.require(call, action::kManageRepository, details);
    const auto turn = co_await enter();
    const auto before = world_.catalog.repository(repository);
    refuseOtherTrust(*before, asked->verified());
    if (countContainers(world_.catalog.repositories()) >= kMostListed) {
        throw Error{Code::CapacityExceeded,
                    fmt::format("Cannot install {} into {}: all repositories together hold {} containers, the most "
                                "that can be listed",
                                agreed.container.text(), repository, kMostListed)};
    }
    const EitherStop stop{call->gone(), runtime_.stopping.get_token()};
    const auto told = [this, &repository, client = call->caller.name](std::uint64_t done, std::uint64_t total) {
        runtime_.loop.post([this, repository, client, done, total] {
            world_.observers.installProgress({repository, client, done, total});
        });
    };
    auto copying = runtime_.pools.bulk.run([&] {
        const UniqueFd file = openCallerFile(runtime_.steps.kernel(), call->caller, npk.get());
        return installPackage(*before, file.get(), agreed, name, stop.token(), told);
    });
    const Installed installed = co_await copying;
    world_.catalog.add({before, installed.container, installed.entry});
    log::info("Installed {} into {} for user {}", installed.container, repository, call->caller.euid);
    world_.observers.installed(installed.container, repository);
    co_return installed.container;
}

Task<> RepositoryChanges::uninstall(CallPtr call, std::string repository, std::string what) {
    co_await world_.repositoriesRead.pass(call->caller.name);
    const bool verified = world_.catalog.repository(repository)->verified();
    Details details{{"repository", repository}};
    std::exception_ptr missing;  // said once it is known that the caller may
    try {
        const Found found = world_.catalog.find(what, repository);
        what = found.container;  // what is authorized is what goes
        details = containerDetails(found.entry.package->manifest.containerName(), repository, verified);
    } catch (const Error&) {
        missing = std::current_exception();
        if (!ContainerPattern::parse(what)) throw;  // nobody is asked about what can be no container
        details["container"] = what;
    }
    details["polkit.message"] = "Authentication is required to remove $(container) from the repository $(repository)";
    co_await authorizer_.require(call, action::kManageRepository, details);
    if (missing) std::rethrow_exception(missing);
    const auto turn = co_await enter();
    if (world_.registry.isMounted(what, repository)) {
        const ContainerName container = ContainerName::parse(what).value();
        co_await external_.clearContainer(container);
    }
    const Found found = world_.catalog.find(what, repository);
    refuseOtherTrust(*found.repository, verified);
    refuseMounted(world_.registry, found.container, repository);
    // First it is no longer found, then it is removed: a mount that comes in between would hold what is gone.
    world_.catalog.remove(found.container, repository);
    try {
        co_await runtime_.pools.bulk.run([&] { uninstallPackage(*found.repository, found.entry); });
    } catch (...) {
        world_.catalog.add(found);
        throw;
    }
    log::info("Uninstalled {} from {} for user {}", found.container, repository, call->caller.euid);
    world_.observers.uninstalled(found.container, repository);
}

Task<> RepositoryChanges::readAtStart() {
    const auto turn = co_await enter();
    Loaded loaded;
    loaded.repositories = world_.catalog.repositories();
    const std::stop_token stop = runtime_.stopping.get_token();
    co_await runtime_.pools.bulk.run([&] { readRepositories(loaded, {}, stop); });
    world_.catalog.replace(std::move(loaded.repositories));
    watches_.follow();
}

Task<> RepositoryChanges::reload(CallPtr call) {
    co_await authorizer_.require(call, action::kReload, {});
    const auto turn = co_await enter();
    const Catalog::Repositories previous = world_.catalog.repositories();
    const std::stop_token stop = runtime_.stopping.get_token();
    Loaded loaded = co_await runtime_.pools.bulk.run([&] { return loadAll(world_.settings.source, previous, stop); });
    const std::vector<ContainerOf> dropped = std::move(loaded.dropped);
    const std::map<std::string, Difference> differences = std::move(loaded.differences);
    const std::vector<std::string> problems = std::move(loaded.problems);
    const std::string files = nameFiles(loaded.files);
    apply(std::move(loaded));
    world_.observers.repositoriesReplaced();
    for (const auto& [container, repository] : dropped) world_.observers.uninstalled(container, repository);
    for (const auto& [repository, difference] : differences) co_await watches_.tell(repository, difference);
    co_await verity_.refresh();
    log::info("Reloaded {}", files);
    if (!problems.empty()) {
        throw Error{Code::Failed, fmt::format("Reloaded {}, but not all: {}", files, fmt::join(problems, "; "))};
    }
}

void RepositoryChanges::apply(Loaded loaded) {
    Config& next = loaded.config;
    const Config& now = world_.settings.config;
    if (next.runDir != now.runDir || next.stateDir != now.stateDir || next.workers != now.workers) {
        log::warn("run_dir, state_dir and workers change only when the service is started again");
        next.runDir = now.runDir;
        next.stateDir = now.stateDir;
        next.workers = now.workers;
    }
    world_.registry.setLimits({next.limits.mounts, next.limits.mountsPerUid});
    authorizer_.setMode(modeOf(next));
    world_.settings.fileKeys = std::move(loaded.fileKeys);
    world_.catalog.replace(std::move(loaded.repositories));
    watches_.follow();
    world_.settings.config = std::move(next);
}

}  // namespace northstar
