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

// From here on it is this container of this repository: what is authorized is what gets mounted.
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
    if (!isOwnPlace(plan, world_.settings.config.runDir) || takesAnothersPlace(plan)) {
        co_await authorizer_.require(call, action::kMountAnywhere, details);
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

Task<Mounted> FileMounting::mountFile(CallPtr call, std::string path, MountRequest request) {
    MountPlan plan = planFor(call->caller, path, std::move(request));
    const auto own = co_await runtime_.lines.enterOwn(*call, MountKeys::unread(plan.how.target));
    co_await mounting_.resolveTarget(plan);
    // Before the path is touched: whether a file exists, and what is in it, is not for everyone to know.
    Details details = detailsOf(plan);
    details["path"] = path;
    co_await authorizer_.require(call, action::kMountPath, details);
    co_await authorizeUnread(call, plan);
    const auto open = [&] {
        UniqueFd file = openPackageFile(path);
        if (call->caller.euid != 0) refuseStallingFile(runtime_.steps.kernel(), file.get());
        return file;
    };
    auto opening = runtime_.pools.files.run(open, plan.owner);
    UniqueFd file = co_await opening;
    co_return co_await mountOpened(call, std::move(file), std::move(plan));
}

Task<Mounted> FileMounting::mountFd(CallPtr call, CallerFd npk, MountRequest request) {
    MountPlan plan = planFor(call->caller, {}, std::move(request));
    const auto own = co_await runtime_.lines.enterOwn(*call, MountKeys::unread(plan.how.target));
    co_await mounting_.resolveTarget(plan);
    const auto find = [&] { return runtime_.steps.kernel().originOf(npk.get()).path; };
    plan.source = co_await runtime_.pools.files.run(find, plan.owner);
    if (plan.source.empty()) plan.source = "descriptor";
    co_await authorizeUnread(call, plan);
    const auto open = [&] { return openCallerFile(runtime_.steps.kernel(), call->caller, npk.get()); };
    auto opening = runtime_.pools.files.run(open, plan.owner);
    UniqueFd file = co_await opening;
    npk = CallerFd{};
    co_return co_await mountOpened(std::move(call), std::move(file), std::move(plan));
}

MountPlan FileMounting::planFor(const Caller& caller, std::string source, MountRequest request) const {
    MountPlan plan{.how = std::move(request)};
    plan.source = std::move(source);
    plan.owner = caller.euid;
    settle(plan);
    return plan;
}

// As the configuration says now: a Reload may come while a question is open.
void FileMounting::settle(MountPlan& plan) const {
    plan.verification = settings_.config.fileVerification;
    if (plan.verification == Verification::Sealed) plan.how.verity = VerityMode::Eio;  // nothing else happens
}

// Before the content is touched, so its container is not known.
Details FileMounting::detailsOf(const MountPlan& plan) const {
    return unreadDetails(plan, plan.how.target.empty() ? settings_.config.runDir : plan.how.target);
}

// A manifest that no key signed is parsed for nobody who may not mount it.
Task<> FileMounting::authorizeUnread(CallPtr call, MountPlan plan) {
    if (plan.how.allowUnverified) co_await authorizer_.require(call, action::kMountUnverified, detailsOf(plan));
}

Task<Mounted> FileMounting::mountOpened(CallPtr call, UniqueFd npk, MountPlan plan) {
    co_await read(std::move(npk), plan);
    co_await mounting_.authorize(call, plan);
    const auto turn = co_await runtime_.lines.enterCommon(keysOf(plan));
    co_await release_.recountHeld(plan.owner);
    co_await external_.clear(plan.mountPoint);
    const std::string& signer = plan.package->signer;
    if (plan.verified && std::ranges::count(settings_.fileKeys.fingerprints(), signer) == 0) {
        throw Error{Code::InvalidSignature, fmt::format("Cannot mount {}: its key {} was removed by a Reload at this "
                                                        "moment",
                                                        plan.source, signer)};
    }
    settle(plan);
    co_return co_await mounting_.establish(std::move(plan));
}

Task<> FileMounting::read(UniqueFd npk, MountPlan& plan) {
    const auto policy = plan.how.allowUnverified ? SignaturePolicy::Optional : SignaturePolicy::Required;
    const KeyRing keys = settings_.fileKeys;
    auto open = [&, file = std::move(npk)]() mutable {  // closed there, too
        return std::make_shared<const Package>(openPackage(std::move(file), keys, policy, plan.source));
    };
    auto reading = runtime_.pools.files.run(std::move(open), plan.owner);
    plan.package = co_await reading;
    plan.container = plan.package->manifest.containerName();
    plan.verified = plan.package->verified();
    plan.mountPoint = plan.how.target.empty() ? settings_.defaultMountPoint(plan.container.text()) : plan.how.target;
}

}  // namespace northstar
