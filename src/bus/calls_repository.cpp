// SPDX-License-Identifier: Apache-2.0
// Install, Uninstall, Reload.
#include <spdlog/spdlog.h>

#include "bus/calls.h"
#include "bus/loader.h"
#include "repository/install.h"

namespace northstar::bus {

Async<std::tuple<std::string>> Calls::install(CallPtr call, std::string repository, sdbus::UnixFd npk,
                                              Options options) {
    decodeCommonOptions(options, false);
    const UniqueFd file = takeFd(npk);
    const Details details{{"repository", repository}};
    co_await core_.authorizer.require(withOptions(call, options), action::kManageRepository, details);
    const auto pass = co_await core_.repositoryChanges.enter();
    const auto before = core_.catalog.repository(repository);
    std::stop_source stop;
    const auto ticket = core_.clients.onLeave(call->caller.name, [stop]() mutable { stop.request_stop(); });
    Work job{core_.bulk, core_.loop, "repositories", [this, before, fd = file.get(), token = stop.get_token(),
              trusted = call->caller.euid == 0] {
                 if (!trusted) refuseStallingFile(core_.kernel, fd);
                 return installPackage(*before, fd, "the package for " + before->name, token);
             }};
    Installed installed = co_await job;
    auto changed = std::make_shared<Repository>(*core_.catalog.repository(repository));
    changed->content.entries.insert_or_assign(installed.container, installed.entry);
    core_.catalog.set(std::move(changed));
    spdlog::info("Installed {} into {} for user {}", installed.container, repository, call->caller.euid);
    core_.events.installed(installed.container, repository);
    std::tuple<std::string> reply{installed.container};
    co_return reply;
}

Async<std::tuple<>> Calls::uninstall(CallPtr call, std::string repository, std::string what, Options options) {
    decodeCommonOptions(options, false);
    Details details{{"repository", repository}, {"container", what}};
    try {
        const Found named = core_.catalog.find(what, repository);
        what = named.container;  // what is authorized is what goes
        details = containerDetails(what, repository, named.repository->verified());
    } catch (const Error&) {  // said once it is known that the caller may
    }
    co_await core_.authorizer.require(withOptions(call, options), action::kManageRepository, details);
    const auto pass = co_await core_.repositoryChanges.enter();
    const Found found = core_.catalog.find(what, repository);
    if (core_.registry.isMounted(found.container, repository)) {
        throw Error{Code::Busy, "Cannot uninstall " + found.container + " from " + repository +
                                    ": it is mounted; unmount it first"};
    }
    Work job{core_.bulk, core_.loop, "repositories", [found] {
                 uninstallPackage(*found.repository, found.entry);
                 return Done{};
             }};
    co_await job;
    auto changed = std::make_shared<Repository>(*core_.catalog.repository(repository));
    changed->content.entries.erase(found.container);
    core_.catalog.set(std::move(changed));
    spdlog::info("Uninstalled {} from {} for user {}", found.container, repository, call->caller.euid);
    core_.events.uninstalled(found.container, repository);
    co_return std::tuple<>{};
}

Async<std::tuple<>> Calls::reload(CallPtr call, Options options) {
    decodeCommonOptions(options, false);
    co_await core_.authorizer.require(withOptions(call, options), action::kReload, Details{});
    const auto pass = co_await core_.repositoryChanges.enter();
    Work job{core_.bulk, core_.loop, "repositories", [path = core_.configPath, previous = core_.catalog.repositories()] {
                 return loadAll(path, previous);
             }};
    Loaded loaded = co_await job;
    applyLoaded(core_, std::move(loaded));
    core_.events.repositoriesReplaced();
    co_await refreshVerity();
    spdlog::info("Reloaded {}", core_.configPath);
    co_return std::tuple<>{};
}

}  // namespace northstar::bus
