// SPDX-License-Identifier: Apache-2.0
#include "engine/mount_file.h"

#include <fmt/format.h>

#include "auth/method_table.h"
#include "base/error.h"
#include "base/path.h"
#include "config/config.h"
#include "engine/mount_lines.h"
#include "engine/packages.h"
#include "kernel/device.h"
#include "package/package.h"

namespace northstar {

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
        plan.isPrivate = call->caller.euid != 0 && !isOpenToEverybody(path);
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
    const auto find = [&] {
        std::string path = runtime_.steps.kernel().originOf(npk.get()).path;
        plan.isPrivate = call->caller.euid != 0 && !path.empty() && !isOpenToEverybody(path);
        return path;
    };
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
