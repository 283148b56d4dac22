// SPDX-License-Identifier: Apache-2.0
#include "engine/replace.h"

#include <fmt/format.h>

#include <chrono>

#include "auth/method_table.h"
#include "base/error.h"
#include "base/log.h"
#include "engine/mount_lines.h"
#include "engine/observer.h"
#include "engine/packages.h"
#include "kernel/kernel.h"
#include "registry/mount_record.h"
#include "repository/catalog.h"

namespace northstar {

Task<Mounted> Replacing::replace(CallPtr call, MountRef what, std::string container, MountRequest request) {
    const Found found = world_.catalog.find(container, request.repository);
    MountPlan plan = mounting_.planFor(call->caller, found, std::move(request));
    MountKeys keys = keysOf(world_.registry, what);
    keys.addContainer(plan.container);
    const auto own = co_await runtime_.lines.enterOwn(*call, keys);
    what = co_await resolved(runtime_.pools.mounts, world_.registry, std::move(what), call->caller.euid);
    const MountRecord* const there = findMounted(world_.registry, what);
    if (there == nullptr) throwNotMounted(what.text);
    plan.inPlaceOf = *there;
    plan.mountPoint = plan.how.target = there->mountPoint;
    co_await authorize(call, plan);

    keys = keysOf(plan);
    keys.addContainer(plan.inPlaceOf->containerName());
    const auto turn = co_await runtime_.lines.enterCommon(keys);
    co_await release_.recountHeld(plan.owner);
    co_await external_.clear(plan.mountPoint);
    const MountRecord* const now = world_.registry.find(plan.inPlaceOf->id);  // numbers are not used again
    if (now == nullptr) throwNotMounted(what.text);
    if (now->mountPoint != plan.mountPoint) {
        throwChanged("Cannot replace " + now->container(), "its mount point became " + printable(now->mountPoint));
    }
    co_await refuseInside(plan);
    co_await mounting_.openCurrent(plan);
    std::exception_ptr failure;
    try {
        co_return co_await exchange(plan);
    } catch (...) {
        failure = std::current_exception();
    }
    if (hasCode(failure, Code::Unsupported)) co_await verity_.refresh();
    std::rethrow_exception(failure);
}

// Another version of the same repository may take the place that one had; something else asks for it as if it were
// mounted there.
Task<> Replacing::authorize(CallPtr call, MountPlan plan) {
    const MountRecord& there = *plan.inPlaceOf;
    co_await mounting_.authorizeContent(call, plan);
    const bool another = plan.container.name != there.name || plan.repository != there.repository;
    if (another) co_await mounting_.authorizePlace(call, plan);
    if (call->caller.euid == 0 || call->caller.euid == there.ownerUid) co_return;
    co_await authorizer_.require(call, action::kUnmountOthers, mountedDetails(there), there.id);
}

Task<> Replacing::refuseInside(MountPlan plan) {
    const MountRecord& there = *plan.inPlaceOf;
    const auto look = [&] { return runtime_.steps.kernel().mountsInside(there.identity, there.mountPoint); };
    const std::vector<std::string> inside = co_await runtime_.pools.mounts.run(look, plan.owner);
    if (inside.empty()) co_return;
    throw Error{Code::Busy, fmt::format("Cannot replace {} on {}: {} is mounted inside it; unmount that first",
                                        there.container(), there.mountPoint, printable(inside.front()))};
}

Task<Mounted> Replacing::exchange(MountPlan plan) {
    const MountRecord there = *plan.inPlaceOf;
    const std::string container = plan.container.text();
    const auto reservation = world_.registry.reserveInPlaceOf(there, plan.owner, container, plan.repository);
    plan.id = reservation.id();
    plan.loopDeviceTimeout = world_.settings.config.loopDeviceTimeout;
    MountRecord record;
    bool released = false;
    std::exception_ptr failure;
    {
        const auto leaving = world_.registry.beginUnmount(there.id);
        try {
            record = co_await runtime_.pools.mounts.run([&] { return runtime_.steps.mount(plan); }, plan.owner);
            const auto takeDown = [&] { return runtime_.steps.takeDownReplaced(there); };
            released = co_await runtime_.pools.mounts.run(takeDown, plan.owner);
        } catch (...) {
            failure = std::current_exception();
        }
    }
    if (!record.verityUuid.empty()) verity_.set(true);
    if (record.id != 0) world_.registry.add(record);  // it is there, whatever became of the other
    if (failure && record.id != 0) {                  // both stay, after a restart, too
        record.replaces = 0;
        const auto save = [&] { runtime_.steps.state().save(record); };
        try {
            co_await runtime_.pools.mounts.run(save, plan.owner);
        } catch (const std::exception& error) {
            log::warn("{}", error.what());
        }
    }
    if (failure) {
        if (record.id != 0) world_.observers.mounted(record);
        world_.observers.unmountFailed(there);
        std::rethrow_exception(failure);
    }
    world_.registry.remove(there.id);
    if (!released) world_.registry.hold(there, std::chrono::steady_clock::now());
    log::info("Mounted {} on {} ({}, {}) for user {}, in place of {}", container, record.mountPoint, record.device,
              record.verified ? "verified" : "unverified", record.ownerUid, there.container());
    world_.observers.mounted(record);
    world_.observers.unmounted(there, UnmountReason::Replaced);
    co_return Mounted{record.id, record.mountPoint};
}

}  // namespace northstar
