// SPDX-License-Identifier: Apache-2.0
#include "engine/mount.h"

#include <fmt/format.h>

#include "async/when_all.h"
#include "auth/method_table.h"
#include "base/error.h"
#include "base/log.h"
#include "base/path.h"
#include "config/config.h"
#include "kernel/device.h"
#include "package/package.h"
#include "registry/mount_record.h"
#include "repository/repository.h"

namespace northstar {
namespace {

// The container's own name below run_dir, or one that no container has by default: not inside, nor in the name of,
// somebody else's.
bool isOwnPlace(const MountPlan& plan, const std::string& runDir) {
    const std::string prefix = runDir + "/";
    if (!plan.mountPoint.starts_with(prefix)) return false;
    const std::string leaf = plan.mountPoint.substr(prefix.size());
    return leaf == plan.container.text() || (!leaf.empty() && leaf.find_first_of("/:") == std::string::npos);
}

}  // namespace

// The call, stage by stage.

Task<Mounted> Mounting::mount(CallPtr call, std::string what, MountRequest request) {
    const Found found = world_.catalog.find(what, request.repository);
    MountPlan plan = planFor(call->caller, found, std::move(request));
    const auto own = co_await runtime_.lines.enterOwn(*call, keysOf(plan));
    co_await resolveTarget(plan);
    co_await authorize(call, plan);
    co_return co_await mountAuthorized(std::move(plan));
}

MountPlan Mounting::planFor(const Caller& caller, const Found& found, MountRequest request) const {
    const Repository& repository = *found.repository;
    MountPlan plan{.how = std::move(request)};
    plan.container = found.entry.package->manifest.containerName();
    plan.repository = repository.name;
    plan.verified = repository.verified();
    plan.mountPoint = plan.how.target.empty() ? world_.settings.defaultMountPoint(found.container) : plan.how.target;
    plan.owner = caller.euid;
    // Without dm-verity there is nothing that restarts or panics.
    const bool sealed = found.entry.sealed || repository.config.verification == Verification::Sealed;
    if (sealed) plan.how.verity = VerityMode::Eio;
    return plan;
}

Task<> Mounting::resolveTarget(MountPlan& plan) {
    if (plan.how.target.empty()) co_return;
    plan.how.target = co_await runtime_.pools.mounts.run([&] { return resolvedParent(plan.how.target); }, plan.owner);
    plan.mountPoint = plan.how.target;
}

Task<> Mounting::authorize(CallPtr call, MountPlan plan) {
    co_await authorizeContent(call, plan);
    co_await authorizePlace(call, plan);
}

Task<> Mounting::authorizeContent(CallPtr call, MountPlan plan) {
    const Details details = planDetails(plan);
    if (plan.verified && plan.how.verity != VerityMode::Eio) {
        Details asked = details;
        const bool file = plan.repository.empty();
        if (file) asked["source"] = plan.source;
        asked["polkit.message"] =
            askToMount(file ? "$(container) from $(source)" : "the signed container $(container)", plan.how.verity);
        // Who can damage one byte of it could bring the machine down. Whoever may mount anything was asked already.
        if (!plan.how.allowUnverified) co_await authorizer_.require(call, action::kMountUnverified, asked);
        co_await authorizer_.require(call, action::kMount, asked);
    } else if (plan.verified) {
        co_await authorizer_.require(call, action::kMount, details);
    } else if (!plan.how.allowUnverified) {  // an unverified file was asked for before it was read
        co_await authorizer_.require(call, action::kMountUnverified, details);
    }
}

Task<> Mounting::authorizePlace(CallPtr call, MountPlan plan) {
    if (!isOwnPlace(plan, world_.settings.config.runDir) || takesAnothersPlace(plan)) {
        co_await authorizer_.require(call, action::kMountAnywhere, planDetails(plan));
    }
}

// The default mount point of a container that a repository with keys holds is for what these keys, or another
// repository's, have signed: else a file of the same name would keep the container from being mounted.
bool Mounting::takesAnothersPlace(const MountPlan& plan) const {
    const std::string container = plan.container.text();
    if (plan.mountPoint != world_.settings.defaultMountPoint(container)) return false;
    return std::ranges::any_of(world_.catalog.repositories(), [&](const auto& named) {
        const Repository& repository = *named.second;
        if (!repository.verified() || !repository.content.entries.contains(container)) return false;
        if (!plan.verified) return true;
        return plan.repository.empty() && std::ranges::count(repository.keys.fingerprints(), plan.package->signer) == 0;
    });
}

Task<Mounted> Mounting::mountAuthorized(MountPlan plan) {
    const auto turn = co_await runtime_.lines.enterCommon(keysOf(plan));
    co_await release_.recountHeld(plan.owner);
    co_await external_.clear(plan.mountPoint);
    co_await openCurrent(plan);
    co_return co_await establish(std::move(plan));
}

Task<> Mounting::openCurrent(MountPlan& plan) {
    const Found found = co_await packages_.current(plan.container.text(), plan.repository, plan.owner);
    // A reload may have come between the question and the answer.
    if (found.entry.package->verified() != plan.verified) {
        throwChanged("Cannot mount " + plan.container.text(), "the keys of repository " + plan.repository + " changed");
    }
    const RepositoryConfig& config = found.repository->config;
    plan.package = found.entry.package;
    plan.sealed = found.entry.sealed;
    plan.verification = config.verification;
    plan.source = found.entry.file.empty() ? "memory" : config.dir + "/" + found.entry.file;
}

Task<Mounted> Mounting::establish(MountPlan plan) {
    std::exception_ptr failure;
    try {
        co_return co_await runSteps(plan);
    } catch (...) {
        failure = std::current_exception();
    }
    if (hasCode(failure, Code::Unsupported)) co_await verity_.refresh();
    std::rethrow_exception(failure);
}

Task<Mounted> Mounting::runSteps(MountPlan& plan) {
    const std::string container = plan.container.text();
    const auto reservation = world_.registry.reserve(plan.mountPoint, plan.owner, container, plan.repository);
    plan.id = reservation.id();
    plan.loopDeviceTimeout = world_.settings.config.loopDeviceTimeout;
    Pool& workers = plan.repository.empty() ? runtime_.pools.files : runtime_.pools.mounts;
    const MountRecord record = co_await workers.run([&] { return runtime_.steps.mount(plan); }, plan.owner);
    if (!record.verityUuid.empty()) verity_.set(true);
    world_.registry.add(record);
    log::info("Mounted {} on {} ({}, {}) for user {}", container, record.mountPoint, record.device,
              record.verified ? "verified" : "unverified", record.ownerUid);
    world_.observers.mounted(record);
    co_return Mounted{record.id, record.mountPoint};
}

// Many at once.

Task<> Mounting::mountOne(MountPlan plan, MountOutcome& outcome) {
    try {
        outcome = co_await mountAuthorized(std::move(plan));
    } catch (...) {
        outcome = std::current_exception();
    }
}

Task<std::vector<MountOutcome>> Mounting::mountMany(CallPtr call, std::vector<std::string> what, MountRequest request) {
    std::vector<MountOutcome> outcomes(what.size());
    std::vector<std::pair<std::size_t, MountPlan>> plans;  // with the place in the outcomes
    MountKeys keys;
    for (std::size_t at = 0; at < what.size(); ++at) {
        try {
            plans.emplace_back(at, planFor(call->caller, world_.catalog.find(what[at], request.repository), request));
            keys.merge(keysOf(plans.back().second));
        } catch (...) {
            outcomes[at] = std::current_exception();
        }
    }
    const auto own = co_await runtime_.lines.enterOwn(*call, keys);
    std::vector<Task<>> mounts;
    // One after the other: several dialogs at once would help nobody.
    for (auto& [at, plan] : plans) {
        try {
            co_await authorize(call, plan);
            mounts.push_back(mountOne(std::move(plan), outcomes[at]));
        } catch (...) {
            outcomes[at] = std::current_exception();
        }
    }
    co_await whenAll(std::move(mounts));
    co_return outcomes;
}

std::vector<MountPlan> Mounting::plansOnStart() const {
    std::vector<MountPlan> plans;
    for (const auto& [name, repository] : world_.catalog.repositories()) {
        if (!repository->config.mountOnStart) continue;
        for (const auto& [container, entry] : repository->content.entries) {
            if (world_.registry.isMounted(container, name)) continue;
            plans.push_back(planFor(Caller{}, {repository, container, entry}, {}));
        }
    }
    return plans;
}

Task<> Mounting::mountOnStart() {
    const std::vector<MountPlan> plans = plansOnStart();
    std::vector<MountOutcome> outcomes(plans.size());
    std::vector<Task<>> mounts;
    for (std::size_t at = 0; at < plans.size(); ++at) mounts.push_back(mountOne(plans[at], outcomes[at]));
    co_await whenAll(std::move(mounts));
    for (std::size_t at = 0; at < plans.size(); ++at) {
        const auto* failure = std::get_if<std::exception_ptr>(&outcomes[at]);
        if (failure == nullptr) continue;
        try {
            std::rethrow_exception(*failure);
        } catch (const std::exception& error) {
            log::error("Cannot mount {} of repository {} at start: {}", plans[at].container.text(),
                       plans[at].repository, error.what());
        }
    }
}

}  // namespace northstar
