// SPDX-License-Identifier: Apache-2.0
#include "engine/unmount.h"

#include <fmt/format.h>

#include <set>

#include "async/callback.h"
#include "async/when_all.h"
#include "auth/method_table.h"
#include "base/error.h"
#include "base/log.h"
#include "engine/mount_lines.h"
#include "engine/mount_plan.h"
#include "engine/observer.h"

namespace northstar {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kDeadline = 2s;
// Whoever may look into a mount can keep its devices, and must not use up another user's limit with that.
constexpr std::chrono::seconds kHeldCounts = 1min;
constexpr std::chrono::milliseconds kFirstPause = 10ms, kLongestPause = 100ms;

constexpr std::size_t kMostSearches = 8;  // of calls that wait for one: each may take seconds

bool mayUnmount(const Call& call, const MountRecord& record) {
    return call.caller.euid == 0 || call.caller.euid == record.ownerUid;
}

}  // namespace

Task<> DeviceRelease::awaitGone(MountRecord record) {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    auto pause = kFirstPause;
    while (std::chrono::steady_clock::now() < deadline) {
        co_await sleep(runtime_.loop, pause);
        pause = std::min(2 * pause, kLongestPause);
        const bool gone = co_await runtime_.pools.mounts.run([&] { return runtime_.steps.releaseDevices(record); });
        // Another mount of the same file looks like this one's device, and shows that it was free.
        if (gone || registry_.isReused(record)) co_return;
    }
    try {
        const std::string left = co_await runtime_.pools.mounts.run([&] { return runtime_.steps.deviceLeft(record); });
        log::warn("{} is unmounted from {}, but {} is still held by somebody else; it goes with them",
                  record.container(), record.mountPoint, left);
    } catch (const std::exception& error) {
        log::warn("{} is unmounted from {}, but one of its devices is still held: {}", record.container(),
                  record.mountPoint, error.what());
    }
    registry_.hold(std::move(record), std::chrono::steady_clock::now());
}

Task<> DeviceRelease::recountHeld(uid_t owner) {
    constexpr std::size_t kMostKept = 256;  // also where there is no limit
    const auto& held = registry_.held();
    const auto now = std::chrono::steady_clock::now();
    registry_.letGoBefore(now - kHeldCounts);
    if (held.empty() || (held.size() < kMostKept && !registry_.isFull(owner))) co_return;
    if (now < nextRecount_ || runtime_.stopping.stop_requested()) co_return;
    nextRecount_ = now + 1s;
    const auto records = held;
    std::vector<std::uint32_t> gone;
    co_await runtime_.pools.mounts.run([&] {
        for (const auto& [id, one] : records) {
            if (runtime_.steps.areDevicesGone(one.record)) gone.push_back(id);
        }
    });
    for (const std::uint32_t id : gone) registry_.letGo(id);
}

Task<> Unmounter::unmount(CallPtr call, MountRef what, UnmountMode how) {
    const auto own = co_await runtime_.lines.enterOwn(*call, keysOf(world_.registry, what));
    co_await unmountInTurn(call, std::move(what), how, std::nullopt);
}

Task<> Unmounter::authorize(CallPtr call, const MountRecord& record) {
    return authorizer_.require(std::move(call), action::kUnmountOthers, mountedDetails(record), record.id);
}

Task<> Unmounter::unmountInTurn(CallPtr call, MountRef what, UnmountMode how, Granted granted) {
    what = co_await resolved(runtime_.pools.mounts, world_.registry, std::move(what), call->caller.euid);
    for (;;) {
        // Who may not, and what is not clear, keeps nobody waiting. A person may need minutes; numbers are not used
        // again.
        const MountRecord* now = findMounted(world_.registry, what);
        if (now != nullptr && granted != now->id && !mayUnmount(*call, *now)) {
            granted = now->id;
            co_await authorize(call, *now);
            continue;  // it is looked up anew
        }
        const MountKeys keys =
            now != nullptr ? MountKeys{now->containerName(), now->mountPoint} : keysOf(world_.registry, what);
        Gone gone;
        {
            const auto turn = co_await runtime_.lines.enterCommon(keys);
            const MountRecord* found = findMounted(world_.registry, what);
            if (found == nullptr) throwNotMounted(what.text);
            if (!keys.hold(found->containerName())) continue;  // it came meanwhile
            if (granted != found->id && !mayUnmount(*call, *found)) continue;
            const std::uint32_t id = found->id;
            const bool own = granted != id && call->caller.euid != 0;
            if (how == UnmountMode::Lazy && own) co_await refuseOthersInside(call, *found);
            gone = co_await takeDown(call, id, how);
        }
        if (gone.busy) co_await throwBusy(call, gone.record);
        // Without the turn: whoever holds the devices keeps nobody but this caller waiting.
        if (!gone.released && how == UnmountMode::Now) co_await release_.awaitGone(gone.record);
        co_return;
    }
}

Task<> Unmounter::refuseOthersInside(CallPtr call, MountRecord record) {
    const auto look = [&] { return runtime_.steps.kernel().mountsInside(record.identity, record.mountPoint); };
    const std::vector<std::string> inside = co_await runtime_.pools.mounts.run(look, call->caller.euid);
    for (const std::string& path : inside) {
        const MountRecord* const one = world_.registry.findByMountPoint(path);
        if (one != nullptr && one->ownerUid == call->caller.euid) continue;
        throw Error{Code::Busy,
                    fmt::format("Cannot unmount {}: {} is mounted inside it by somebody else, and a lazy unmount would "
                                "take that along; let them unmount it first",
                                record.mountPoint, printable(path))};
    }
    if (world_.registry.find(record.id) == nullptr) throwNotMounted(record.mountPoint);
}

Task<Unmounter::Gone> Unmounter::takeDown(CallPtr call, std::uint32_t id, UnmountMode how) {
    const auto leaving = world_.registry.beginUnmount(id);
    Gone gone{*world_.registry.find(id)};
    std::exception_ptr failure;
    try {
        const auto unmount = [&] { return runtime_.steps.unmount(gone.record, how); };
        gone.released = co_await runtime_.pools.mounts.run(unmount, call->caller.euid);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        world_.observers.unmountFailed(gone.record);
        if (!hasCode(failure, Code::Busy)) std::rethrow_exception(failure);
        gone.busy = true;
        co_return gone;
    }
    world_.registry.remove(id);
    log::info("Unmounted {} from {}", gone.record.container(), gone.record.mountPoint);
    if (!gone.released && how == UnmountMode::Lazy) {
        world_.registry.hold(gone.record, std::chrono::steady_clock::now());
    }
    world_.observers.unmounted(gone.record, UnmountReason::Request);
    co_return gone;
}

Task<std::vector<Holder>> Unmounter::holders(CallPtr call, MountRef what) {
    const MountRecord* const found = findMounted(world_.registry, what);
    if (found == nullptr) throwNotMounted(what.text);
    const MountRecord record = *found;
    if (!mayUnmount(*call, record)) co_await authorize(call, record);
    if (searches_ >= kMostSearches) {
        throw Error{Code::LimitsExceeded, fmt::format("Cannot look for who holds {}: {} calls look for that at this "
                                                      "moment; try again",
                                                      record.mountPoint, kMostSearches)};
    }
    struct Search {
        std::size_t& all;
        ~Search() { --all; }
    } search{++searches_};
    const auto look = [&] { return runtime_.steps.holders(record, call->caller.euid); };
    co_return co_await runtime_.pools.searches.run(look, call->caller.euid);
}

Task<> Unmounter::throwBusy(CallPtr call, MountRecord record) {
    std::string holders = "somebody (not looked for: too many calls ask that at this moment)";
    const auto search = [&] {
        return runtime_.stopping.stop_requested() ? "somebody"
                                                  : runtime_.steps.describeHolders(record, call->caller.euid);
    };
    if (searches_ < kMostSearches) {
        ++searches_;
        try {
            // Nobody waits for the answer any more when the caller has left.
            if (!call->gone().stop_requested())
                holders = co_await runtime_.pools.searches.run(search, call->caller.euid);
        } catch (const std::exception& error) {
            log::warn("Cannot look for who holds {}: {}", record.mountPoint, error.what());
        }
        --searches_;
        if (world_.registry.find(record.id) == nullptr) throwNotMounted(record.mountPoint);
    }
    throw Error{Code::Busy, fmt::format("Cannot unmount {}: it is in use by {}; end them, or ask for a lazy unmount",
                                        record.mountPoint, holders)};
}

Task<> Unmounter::unmountOne(CallPtr call, MountRef what, UnmountMode how, Granted granted,
                             std::exception_ptr& outcome) {
    try {
        co_await unmountInTurn(std::move(call), std::move(what), how, granted);
    } catch (...) {
        outcome = std::current_exception();
    }
}

Task<std::vector<std::exception_ptr>> Unmounter::unmountMany(CallPtr call, std::vector<MountRef> what,
                                                             UnmountMode how) {
    std::vector<std::exception_ptr> outcomes(what.size());
    MountKeys keys;
    std::set<std::string> seen;  // the same again costs nothing
    for (std::size_t at = 0; at < what.size(); ++at) {
        try {
            if (seen.insert(what[at].text).second) keys.merge(keysOf(world_.registry, what[at]));
        } catch (...) {
            outcomes[at] = std::current_exception();
        }
    }
    seen.clear();
    const auto own = co_await runtime_.lines.enterOwn(*call, keys);
    std::vector<Task<>> unmounts;
    // One after the other: several dialogs at once would help nobody.
    for (std::size_t at = 0; at < what.size(); ++at) {
        if (outcomes[at]) continue;
        try {
            Granted granted;
            const MountRecord* record = findMounted(world_.registry, what[at]);
            if (record != nullptr && !mayUnmount(*call, *record)) {
                granted = record->id;
                co_await authorize(call, *record);
            }
            unmounts.push_back(unmountOne(call, what[at], how, granted, outcomes[at]));
        } catch (...) {
            outcomes[at] = std::current_exception();
        }
    }
    co_await whenAll(std::move(unmounts));
    co_return outcomes;
}

}  // namespace northstar
