// SPDX-License-Identifier: Apache-2.0
#include "engine/query.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include <stop_token>

#include "auth/method_table.h"
#include "base/error.h"
#include "base/log.h"
#include "base/slow_close.h"
#include "engine/mount_plan.h"
#include "kernel/kernel.h"
#include "kernel/mount.h"
#include "package/container_name.h"
#include "package/package.h"
#include "registry/mount_record.h"
#include "repository/repository.h"

namespace northstar {
namespace {

// A check takes every processor for as long as the image is big; mounts and the bus go first. Threads that this
// thread starts inherit it: setpriority(2), "C library/kernel differences".
void yieldToOthers() {
    constexpr int kNice = 10;
    const auto thread = static_cast<id_t>(gettid());
    if (getpriority(PRIO_PROCESS, thread) >= kNice) return;
    if (setpriority(PRIO_PROCESS, thread, kNice) != 0) {
        log::debug("Cannot lower the priority of a check: {}", errnoText(errno));
    }
}

bool isIntact(const Package& package, const std::stop_token& stop) {
    yieldToOthers();
    if (stop.stop_requested()) {
        throw Error{Code::Failed, "Verifying was given up: its caller has left, or the service stops"};
    }
    try {
        checkBlocks(package, stop);
        return true;
    } catch (const Error& error) {
        if (error.code() != Code::Corrupted) throw;
        log::error("{} is corrupted: {}", package.manifest.container(), error.what());
        return false;
    }
}

}  // namespace

std::vector<ListedContainer> Queries::containers() const {
    const auto mounted = world_.registry.mountedContainers();
    std::vector<ListedContainer> list;
    for (const auto& [name, repository] : world_.catalog.repositories()) {
        for (const auto& [container, entry] : repository->content.entries) {
            const Manifest& manifest = entry.package->manifest;
            list.push_back({manifest.name, manifest.version.text(), name, mounted.contains({name, container})});
        }
    }
    return list;
}

Task<Inspected> Queries::inspect(CallPtr call, std::string what) {
    Found found = co_await packages_.current(std::move(what), {}, call->caller.euid);
    const bool mounted = world_.registry.isMounted(found.container, found.repository->name);
    co_return Inspected{std::move(found), mounted};
}

Task<bool> Queries::verify(CallPtr call, std::string what, std::string repository) {
    Details details{{"repository", repository}, {"container", printable(what)}};
    bool corrupted = false;
    try {
        const Found found = world_.catalog.find(what, repository);
        what = found.container;
        repository = found.repository->name;
        details =
            containerDetails(found.entry.package->manifest.containerName(), repository, found.repository->verified());
    } catch (const Error& error) {  // a package whose first block is damaged was refused when it was found
        if (error.code() != Code::Corrupted) throw;
        corrupted = true;
    }
    co_await authorizer_.require(call, action::kVerify, details);
    if (corrupted) co_return false;
    Found found;
    try {
        found = co_await packages_.current(what, repository, call->caller.euid);
    } catch (const Error& error) {
        if (error.code() != Code::Corrupted) throw;
        co_return false;
    }
    const std::shared_ptr<const Package> package = found.entry.package;
    if (!package->verity) {
        throw Error{Code::InvalidSignature,
                    fmt::format("Cannot verify {}: repository {} has no key, so nothing says what it must be",
                                found.container, found.repository->name)};
    }
    const EitherStop stop{call->gone(), runtime_.stopping.get_token()};
    const auto check = [&] { return isIntact(*package, stop.token()); };
    co_return co_await runtime_.pools.verifier.run(check, call->caller.euid);
}

Task<UniqueFd> Opener::open(CallPtr call, MountRef what, std::shared_ptr<CallerFd> userNamespace) {
    what = co_await resolved(runtime_.pools.mounts, registry_, std::move(what), call->caller.euid);
    const MountRecord* found = findMounted(registry_, what);
    if (found == nullptr) throwNotMounted(what.text);
    const MountRecord record = *found;
    if (!record.verified && call->caller.euid != 0) {
        throw Error{
            Code::AccessDenied,
            fmt::format("Cannot open {}: it is not verified, and only root may have a clone of what nobody vouches for",
                        record.container())};
    }
    if (record.ownerUid != call->caller.euid) {  // who may mount it may also have it
        co_await authorizer_.require(call, action::kMount, mountedDetails(record), record.id);
        if (registry_.find(record.id) == nullptr) throwNotMounted(what.text);
    }
    const CloneFor whom = call->caller.euid == 0 ? CloneFor::Root : CloneFor::Anybody;
    const auto open = [&] {
        Kernel& kernel = runtime_.steps.kernel();
        UniqueFd clone = kernel.cloneMount(record.identity, record.mountPoint, whom);
        if (userNamespace) kernel.mapOwners(clone.get(), userNamespace->get(), call->caller.euid);
        return clone;
    };
    co_return co_await runtime_.pools.mounts.run(open, call->caller.euid);
}

}  // namespace northstar
