// SPDX-License-Identifier: Apache-2.0
// Unmount, UnmountMany, and Open of a mount.
#include <spdlog/spdlog.h>

#include "base/utf8.h"
#include "bus/calls.h"
#include "bus/error_names.h"
#include "bus/release.h"
#include "engine/mount_job.h"

namespace northstar::bus {
namespace {

Details detailsOf(const MountRecord& record) {
    Details details = containerDetails(record.container(), record.repository, record.verified);
    details["target"] = toUtf8(record.mountPoint);
    return details;
}

bool mayUnmount(const Call& call, const MountRecord& record) {
    return call.caller.euid == 0 || call.caller.euid == record.ownerUid;
}

}  // namespace

// Throws it. Without the turn of the mount: this can take seconds, and others need not wait for it.
Async<Done> Calls::explainBusy(CallPtr call, MountRecord record) {
    constexpr std::size_t kMostSearches = 8;
    std::string holders = "somebody (not looked for: too many calls ask that at this moment)";
    if (core_.searching < kMostSearches && !*call->left) {
        ++core_.searching;
        Work search{core_.searches, core_.loop, "", [this, &record, stopping = core_.stopping.get_token()] {
                        return stopping.stop_requested() ? std::string{"somebody"}
                                                         : describeHolders(core_.kernel, record);
                    }};
        try {
            holders = co_await search;
        } catch (const std::exception& error) {
            spdlog::warn("Cannot look for who holds {}: {}", record.mountPoint, error.what());
        }
        --core_.searching;
        if (core_.registry.find(record.id) == nullptr) throwNotMounted(record.mountPoint);
    }
    throw Error{Code::Busy, "Cannot unmount " + record.mountPoint + ": it is in use by " + holders +
                                "; end them, or ask for a lazy unmount"};
}

Async<Calls::UnmountOutcome> Calls::unmountNow(std::uint32_t id, bool lazy) {
    MountRecord* found = core_.registry.find(id);
    if (found == nullptr) throwNotMounted(mountPath(id));
    core_.unmounting.insert(id);
    auto image =
        std::exchange(found->image, nullptr);  // whoever lets go of it last gives back its memory, which takes time
    UnmountOutcome outcome{*found};
    const MountRecord& record = outcome.record;
    std::exception_ptr failure;
    try {
        Work job{core_.workers, core_.loop, record.container(), [this, &record, &image, lazy] {
                     const bool released = unmountRecord(core_.kernel, core_.state, record, lazy);
                     image.reset();
                     return released;
                 }};
        outcome.released = co_await job;
    } catch (...) {
        failure = std::current_exception();
    }
    core_.unmounting.erase(id);
    if (failure) {
        if (MountRecord* still = core_.registry.find(id)) still->image = std::move(image);
        core_.mountTableChanged();  // it was left out of the looks meanwhile
        if (!hasCode(failure, Code::Busy)) std::rethrow_exception(failure);
        outcome.busy = true;
        co_return outcome;
    }
    core_.registry.remove(id);
    spdlog::info("Unmounted {} from {}", record.container(), record.mountPoint);
    if (!outcome.released && lazy) core_.registry.hold(record);
    core_.events.unmounted(record, "request");
    co_return outcome;
}

Async<std::tuple<>> Calls::unmountInTurn(CallPtr call, std::string what, bool lazy,
                                         std::optional<std::uint32_t> granted, Order::Budget& budget) {
    for (;;) {
        // Who may not, and what is not clear, keeps nobody waiting. A person may need minutes; numbers are not used
        // again.
        const MountRecord* now = findMounted(what);
        if (now != nullptr && granted != now->id && !mayUnmount(*call, *now)) {
            granted = now->id;
            const Details details = detailsOf(*now);
            co_await core_.authorizer.require(call, action::kUnmountOthers, details, granted);
            continue;  // it is looked up anew
        }
        Order::Keys keys;
        if (now != nullptr) {
            keys = {now->container(), now->mountPoint};
        } else {
            keys = concerned("", what, budget);
        }
        UnmountOutcome outcome;
        {
            const Order::Turn turn = co_await core_.order.enter("", keys);
            const MountRecord* found = findMounted(what);
            if (found == nullptr) throwNotMounted(what);
            if (!turn.holds(found->container())) continue;  // it came meanwhile
            if (granted != found->id && !mayUnmount(*call, *found)) continue;
            outcome = co_await unmountNow(found->id, lazy);
        }
        if (outcome.busy) co_await explainBusy(call, outcome.record);
        // Without the turn: whoever holds the devices keeps nobody but this caller waiting.
        if (!outcome.released && !lazy) co_await awaitRelease(core_, outcome.record);
        co_return std::tuple<>{};
    }
}

Async<std::tuple<>> Calls::unmountById(CallPtr call, std::uint32_t id, Options options) {
    co_return co_await unmount(call, mountPath(id), options);
}

Async<std::tuple<>> Calls::unmount(CallPtr call, std::string what, Options options) {
    const bool lazy = decodeUnmountOptions(options);  // bad options are refused before anything is looked up
    Order::Budget budget;
    const Order::Keys keys = concerned(lineOf(call), what, budget);
    const Order::Turn turn = co_await core_.order.enter(lineOf(call), keys);
    co_return co_await unmountInTurn(withOptions(call, options), what, lazy, std::nullopt, budget);
}

Detached Calls::unmountItem(CallPtr call, UnmountItem item, bool lazy, Order::Budget& budget, UnmountManyItem& result,
                            std::function<void(Done)> done) {
    try {
        co_await unmountInTurn(call, item.what, lazy, item.granted, budget);
        result = UnmountManyItem{item.what, true, std::string{}, std::string{}};
    } catch (...) {
        const sdbus::Error error = toBusError(std::current_exception());
        result = UnmountManyItem{item.what, false, std::string{error.getName()}, error.getMessage()};
    }
    done(Done{});
}

Async<std::tuple<std::vector<UnmountManyItem>>> Calls::unmountMany(CallPtr call, std::vector<std::string> what,
                                                                   Options options) {
    const bool lazy = decodeUnmountOptions(options);
    const CallPtr asked = withOptions(call, options);
    std::vector<UnmountManyItem> results(what.size());
    const auto refuse = [&](std::size_t at) {
        const sdbus::Error error = toBusError(std::current_exception());
        results[at] = UnmountManyItem{what[at], false, std::string{error.getName()}, error.getMessage()};
    };
    std::vector<UnmountItem> known, items;  // the latter authorized, as far as they are mounted now
    Order::Budget budget;
    Order::Keys keys;
    std::set<std::string> seen;  // the same again costs nothing
    for (std::size_t at = 0; at < what.size(); ++at) {
        try {
            if (seen.insert(what[at]).second) keys.merge(concerned(lineOf(call), what[at], budget));
            known.push_back({what[at], std::nullopt, at});
        } catch (...) {
            refuse(at);
        }
    }
    seen.clear();
    const ClientWatch::Ticket watch = watchCaller(call);
    const Order::Turn turn = co_await core_.order.enter(lineOf(call), std::move(keys));
    // One after the other: several dialogs at once would help nobody.
    for (UnmountItem& item : known) {
        try {
            const MountRecord* record = findMounted(item.what);
            if (record != nullptr && !mayUnmount(*call, *record)) {
                item.granted = record->id;
                co_await core_.authorizer.require(asked, action::kUnmountOthers, detailsOf(*record), record->id);
            }
            items.push_back(item);
        } catch (...) {
            refuse(item.at);
        }
    }
    if (!items.empty()) {
        std::size_t left = items.size();
        Callback<Done> finished{[&](const Callback<Done>::Complete& complete) {
            for (const auto& item : items) {
                unmountItem(asked, item, lazy, budget, results[item.at], [&left, complete](Done) {
                    if (--left == 0) complete(Done{});
                });
            }
        }};
        co_await finished;
    }
    std::tuple<std::vector<UnmountManyItem>> reply{std::move(results)};
    co_return reply;
}

Async<std::tuple<sdbus::UnixFd>> Calls::openMount(CallPtr call, std::uint32_t id, Options options) {
    decodeCommonOptions(options, false);
    const MountRecord* found = core_.registry.find(id);
    if (found == nullptr) throwNotMounted(mountPath(id));
    const MountRecord record = *found;
    // In a user namespace of its own anybody can take nodev from a clone (mount_setattr(2)), and use the device nodes
    // of the image.
    if (!record.verified && call->caller.euid != 0) {
        throw Error{Code::AccessDenied, "Cannot open " + record.container() +
                                            ": it is not verified, and only root may "
                                            "have a clone of what nobody vouches for"};
    }
    if (record.ownerUid != call->caller.euid) {  // who may mount it may also have it
        const Details details = detailsOf(record);
        co_await core_.authorizer.require(withOptions(call, options), action::kMount, details, id);
        if (core_.registry.find(id) == nullptr) throwNotMounted(mountPath(id));
    }
    Work job{core_.workers, core_.loop, record.container(),
             [this, &record] { return core_.kernel.cloneMount(record.identity, record.mountPoint); }};
    UniqueFd clone = co_await job;
    std::tuple<sdbus::UnixFd> reply{sdbus::UnixFd{clone.release(), sdbus::adopt_fd}};
    co_return reply;
}

}  // namespace northstar::bus
