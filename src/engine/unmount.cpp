// SPDX-License-Identifier: Apache-2.0
#include "engine/unmount.h"

#include <set>

#include "async/when_all.h"
#include "auth/call.h"
#include "auth/method_table.h"
#include "base/error.h"
#include "base/log.h"
#include "engine/details.h"
#include "kernel/mount.h"
#include "registry/mount_record.h"

namespace northstar {
namespace {

bool mayUnmount(const Call& call, const MountRecord& record) {
    return call.caller.euid == 0 || call.caller.euid == record.ownerUid;
}

}  // namespace

Task<> Unmounter::unmount(CallPtr call, MountRef what, UnmountMode how) {
    const auto own = co_await lines_.enterOwn(*call, keysOf(registry_, what));
    co_await unmountInTurn(call, std::move(what), how, std::nullopt);
}

Task<> Unmounter::authorize(CallPtr call, const MountRecord& record) {
    return authorizer_.require(std::move(call), action::kUnmountOthers, mountedDetails(record), record.id);
}

Task<> Unmounter::unmountInTurn(CallPtr call, MountRef what, UnmountMode how, Granted granted) {
    for (;;) {
        // Who may not, and what is not clear, keeps nobody waiting. A person may need minutes; numbers are not used
        // again.
        const MountRecord* now = findMounted(registry_, what);
        if (now != nullptr && granted != now->id && !mayUnmount(*call, *now)) {
            granted = now->id;
            co_await authorize(call, *now);
            continue;  // it is looked up anew
        }
        MountKeys keys;
        if (now != nullptr) {
            keys.add(now->containerName(), now->mountPoint);
        } else {
            keys = keysOf(registry_, what);
        }
        Gone gone;
        {
            const auto turn = co_await lines_.enterCommon(keys);
            const MountRecord* found = findMounted(registry_, what);
            if (found == nullptr) throwNotMounted(what.text);
            if (!keys.hold(found->containerName())) continue;  // it came meanwhile
            if (granted != found->id && !mayUnmount(*call, *found)) continue;
            gone = co_await takeDown(found->id, how);
        }
        if (gone.busy) co_await holders_.throwBusy(call, gone.record);
        // Without the turn: whoever holds the devices keeps nobody but this caller waiting.
        if (!gone.released && how == UnmountMode::Now) co_await release_.awaitGone(gone.record);
        co_return;
    }
}

Task<Unmounter::Gone> Unmounter::takeDown(std::uint32_t id, UnmountMode how) {
    const auto leaving = registry_.beginUnmount(id);
    Gone gone{*registry_.find(id)};
    std::exception_ptr failure;
    try {
        gone.released = co_await pool_.run([&] { return steps_.unmount(gone.record, how); });
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        observer_.unmountFailed(gone.record);
        if (!hasCode(failure, Code::Busy)) std::rethrow_exception(failure);
        gone.busy = true;
        co_return gone;
    }
    registry_.remove(id);
    log::info("Unmounted {} from {}", gone.record.container(), gone.record.mountPoint);
    if (!gone.released && how == UnmountMode::Lazy) registry_.hold(gone.record);
    observer_.unmounted(gone.record, UnmountReason::Request);
    co_return gone;
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
            if (seen.insert(what[at].text).second) keys.merge(keysOf(registry_, what[at]));
        } catch (...) {
            outcomes[at] = std::current_exception();
        }
    }
    seen.clear();
    // From now on: nobody is asked for a caller that has left.
    if (call->caller.euid != 0) static_cast<void>(call->gone());
    const auto own = co_await lines_.enterOwn(*call, keys);
    std::vector<Task<>> unmounts;
    // One after the other: several dialogs at once would help nobody.
    for (std::size_t at = 0; at < what.size(); ++at) {
        if (outcomes[at]) continue;
        try {
            Granted granted;
            const MountRecord* record = findMounted(registry_, what[at]);
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
