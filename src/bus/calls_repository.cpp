// SPDX-License-Identifier: Apache-2.0
// Install, Uninstall, Reload.
#include <spdlog/spdlog.h>

#include "bus/calls.h"
#include "bus/loader.h"
#include "repository/install.h"

namespace northstar::bus {
namespace {

// `verified`: what was authorized; a reload may have come between the question and the answer.
void refuseOtherTrust(const Repository& repository, bool verified) {
    if (repository.verified() == verified) return;
    throw Error{Code::Failed,
                "Cannot change repository " + repository.name + ": its keys changed at this moment; try again"};
}

void refuseMounted(const Registry& registry, const std::string& container, const std::string& repository) {
    const bool mounted = registry.isMounted(container, repository);
    if (!mounted && !registry.isReserved(container, repository)) return;
    throw Error{Code::Busy, "Cannot uninstall " + container + " from " + repository + ": it is " +
                                (mounted ? "mounted" : "being mounted") + "; unmount it first"};
}

}  // namespace

Async<std::tuple<std::string>> Calls::install(CallPtr call, std::string repository, UniqueFd npk, Options options) {
    decodeCommonOptions(options, false);
    const bool verified = core_.catalog.repository(repository)->verified();
    const Details details{{"repository", repository}, {"verified", verified ? "true" : "false"}};
    co_await core_.authorizer.require(withOptions(call, options), action::kManageRepository, details);
    const auto pass = co_await core_.repositoryChanges.enter();
    const auto before = core_.catalog.repository(repository);
    refuseOtherTrust(*before, verified);
    std::stop_source stop;
    const auto ticket = core_.clients.onLeave(call->caller.name, [stop]() mutable { stop.request_stop(); });
    const std::stop_callback ending{core_.stopping.get_token(), [stop]() mutable { stop.request_stop(); }};
    Work job{core_.bulk, core_.loop, "repositories",
             [this, before, fd = npk.get(), token = stop.get_token(), trusted = call->caller.euid == 0] {
                 if (!trusted) refuseStallingFile(core_.kernel, fd);
                 return installPackage(*before, fd, "the package for " + before->name, token);
             }};
    Installed installed = co_await job;
    core_.catalog.add({before, installed.container, installed.entry});
    spdlog::info("Installed {} into {} for user {}", installed.container, repository, call->caller.euid);
    core_.events.installed(installed.container, repository);
    std::tuple<std::string> reply{installed.container};
    co_return reply;
}

Async<std::tuple<>> Calls::uninstall(CallPtr call, std::string repository, std::string what, Options options) {
    decodeCommonOptions(options, false);
    const bool verified = core_.catalog.repository(repository)->verified();
    Details details{{"repository", repository}, {"container", what}};
    std::exception_ptr missing;  // said once it is known that the caller may
    try {
        what = core_.catalog.find(what, repository).container;  // what is authorized is what goes
        details = containerDetails(what, repository, verified);
    } catch (const Error&) {
        missing = std::current_exception();
    }
    co_await core_.authorizer.require(withOptions(call, options), action::kManageRepository, details);
    if (missing) std::rethrow_exception(missing);
    const auto pass = co_await core_.repositoryChanges.enter();
    const Found found = core_.catalog.find(what, repository);
    const std::string& container = found.container;
    refuseOtherTrust(*found.repository, verified);
    refuseMounted(core_.registry, container, repository);
    // First it is no longer found, then it is removed: a mount that comes in between would hold what is gone.
    core_.catalog.remove(container, repository);
    Work job{core_.bulk, core_.loop, "repositories", [found] {
                 uninstallPackage(*found.repository, found.entry);
                 return Done{};
             }};
    try {
        co_await job;
    } catch (...) {
        core_.catalog.add(found);
        throw;
    }
    spdlog::info("Uninstalled {} from {} for user {}", container, repository, call->caller.euid);
    core_.events.uninstalled(container, repository);
    co_return std::tuple<>{};
}

Async<std::tuple<>> Calls::reload(CallPtr call, Options options) {
    decodeCommonOptions(options, false);
    co_await core_.authorizer.require(withOptions(call, options), action::kReload, Details{});
    const auto pass = co_await core_.repositoryChanges.enter();
    Work job{core_.bulk, core_.loop, "repositories",
             [path = core_.configPath, previous = core_.catalog.repositories()] {
                 Loaded loaded = loadAll(path, previous);
                 for (const auto& [name, repository] : loaded.repositories)
                     removeInterruptedInstalls(repository->config);
                 return loaded;
             }};
    Loaded loaded = co_await job;
    const std::vector<ContainerOf> dropped = std::move(loaded.dropped);
    applyLoaded(core_, std::move(loaded));
    core_.events.repositoriesReplaced();
    for (const auto& [container, repository] : dropped) core_.events.uninstalled(container, repository);
    co_await refreshVerity();
    spdlog::info("Reloaded {}", core_.configPath);
    co_return std::tuple<>{};
}

}  // namespace northstar::bus
