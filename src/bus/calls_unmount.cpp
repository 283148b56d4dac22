// SPDX-License-Identifier: Apache-2.0
// Unmount, UnmountMany, and Open of a mount.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>

#include "base/utf8.h"
#include "bus/calls.h"
#include "bus/error_names.h"
#include "bus/release.h"
#include "engine/mount_job.h"

namespace northstar::bus {
namespace {

[[noreturn]] void throwNotMounted(const std::string& what) {
    throw Error{Code::NotMounted, printable(what) + " is not mounted by this service; ListMounts shows what is"};
}

Details detailsOf(const MountRecord& record) {
    Details details = containerDetails(record.container(), record.repository, record.verified);
    details["target"] = record.mountPoint;
    return details;
}

bool matches(const MountRecord& record, const std::string& what) {
    return what.starts_with(record.name) && (what.size() == record.name.size() || what == record.container());
}

bool mayUnmount(const Call& call, const MountRecord& record) {
    return call.caller.euid == 0 || call.caller.euid == record.ownerUid;
}

// Is this how a path that is not UTF-8 is shown? Most are told apart without converting them.
bool isShownAs(const std::string& path, const std::string& shown) {
    const auto differs = std::ranges::mismatch(path, shown).in1;
    return differs != path.end() && static_cast<unsigned char>(*differs) >= 0x80 && toUtf8(path) == shown;
}

const MountRecord* findByMountPoint(const Registry& registry, const std::string& mountPoint) {
    if (const MountRecord* record = registry.findByMountPoint(mountPoint)) return record;
    const auto& all = registry.mounts();
    const auto it = std::ranges::find_if(all, [&](const auto& m) { return isShownAs(m.second.mountPoint, mountPoint); });
    return it == all.end() ? nullptr : &it->second;
}

// nullptr: the path is no mount's.
const MountRecord* findObject(const Registry& registry, const std::string& path) {
    const char* first = path.data() + std::string_view{kMountsPath}.size();
    const char* last = path.data() + path.size();
    std::uint32_t id = 0;
    const auto [end, failure] = std::from_chars(first, last, id);
    return failure == std::errc{} && end == last ? registry.find(id) : nullptr;
}

}  // namespace

// An object path of ours, a mount point, "name:version", or "name" if only one version of it is mounted.
std::uint32_t Calls::findMounted(const std::string& what) const {
    const Registry& registry = core_.registry;
    if (what.starts_with(kMountsPath)) {
        const MountRecord* record = findObject(registry, what);
        if (record == nullptr) throwNotMounted(what);
        return record->id;
    }
    if (what.starts_with('/')) {
        const MountRecord* record = findByMountPoint(registry, normalPath(what, "The mount point"));
        if (record == nullptr) throwNotMounted(what);
        return record->id;
    }
    std::vector<const MountRecord*> found;
    for (const auto& [id, record] : registry.mounts()) {
        if (matches(record, what)) found.push_back(&record);
    }
    if (found.empty()) throwNotMounted(what);
    if (found.size() > 1) {
        std::string places;
        for (const auto* record : found) places += (places.empty() ? "" : ", ") + record->mountPoint;
        throw Error{Code::InvalidArgs, printable(what) + " is mounted several times (" + places +
                                           "); name one of the mount points"};
    }
    return found.front()->id;
}

const MountRecord* Calls::peek(const std::string& what) const {
    try {
        return core_.registry.find(findMounted(what));
    } catch (const Error&) {  // looked up again in its turn, which says why
        return nullptr;
    }
}

Order::Keys Calls::concerned(const std::string& scope, const std::string& what) const {
    Order::Keys keys;
    bool known = false;
    const auto add = [&](const MountRecord& record) {
        keys.insert({record.container(), record.mountPoint});
        known = true;
    };
    const auto addTaken = [&](const std::string& first, const std::string& last) {
        auto taken = core_.order.taken(scope, first, last);
        known = known || !taken.empty();
        keys.merge(taken);
    };
    if (what.starts_with(kMountsPath)) {
        if (const MountRecord* record = findObject(core_.registry, what)) add(*record);
        return keys;
    }
    const std::string name = what.starts_with('/') ? normalPath(what, "The mount point") : what;
    keys.insert(name);
    if (name.starts_with('/')) {
        if (const MountRecord* record = findByMountPoint(core_.registry, name)) add(*record);
    } else {
        for (const auto& [id, record] : core_.registry.mounts()) {
            if (matches(record, name)) add(record);
        }
        addTaken(name + ":", name + ";");  // its versions: ';' comes after ':'
    }
    addTaken(name, name + '\0');
    if (!known) addTaken("?", "@");  // a package of the same caller that is being read may be it
    return keys;
}

Async<std::tuple<>> Calls::unmountNow(std::uint32_t id, bool lazy) {
    const MountRecord* found = core_.registry.find(id);
    if (found == nullptr) throwNotMounted(mountPath(id));
    core_.unmounting.insert(id);
    const MountRecord record = *found;
    try {
        Work job{core_.workers, core_.loop, record.container(), [this, &record, lazy] {
                     return unmountRecord(core_.kernel, core_.state, record, lazy);
                 }};
        const bool released = co_await job;
        if (!released) co_await awaitRelease(core_, record);
    } catch (...) {
        core_.unmounting.erase(id);
        core_.mountTableChanged();  // it was left out of the looks meanwhile
        throw;
    }
    core_.unmounting.erase(id);
    core_.registry.remove(id);
    spdlog::info("Unmounted {} from {}", record.container(), record.mountPoint);
    core_.events.unmounted(record, "request");
    co_return std::tuple<>{};
}

Async<std::tuple<>> Calls::unmountInTurn(CallPtr call, std::string what, bool lazy,
                                         std::optional<std::uint32_t> granted) {
    for (;;) {
        std::uint32_t id = 0;
        Details details;
        const Order::Keys keys = concerned("", what);
        {
            const Order::Turn turn = co_await core_.order.enter("", keys);
            id = findMounted(what);
            const MountRecord& record = *core_.registry.find(id);
            if (!turn.holds(record.container())) continue;  // it came meanwhile
            if (granted == id || mayUnmount(*call, record)) co_return co_await unmountNow(id, lazy);
            details = detailsOf(record);
        }
        // Not in turn: a person may need minutes. Then it is looked up anew; numbers are not used again.
        co_await core_.authorizer.require(call, action::kUnmountOthers, details);
        granted = id;
    }
}

Async<std::tuple<>> Calls::unmountById(CallPtr call, std::uint32_t id, Options options) {
    co_return co_await unmount(call, mountPath(id), options);
}

Async<std::tuple<>> Calls::unmount(CallPtr call, std::string what, Options options) {
    const bool lazy = decodeUnmountOptions(options);  // bad options are refused before anything is looked up
    const Order::Keys keys = concerned(lineOf(call), what);
    const Order::Turn turn = co_await core_.order.enter(lineOf(call), keys);
    co_return co_await unmountInTurn(withOptions(call, options), what, lazy, std::nullopt);
}

Detached Calls::unmountItem(CallPtr call, UnmountItem item, bool lazy, UnmountManyItem& result,
                            std::function<void(Done)> done) {
    try {
        co_await unmountInTurn(call, item.what, lazy, item.granted);
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
    refuseTooMany(what.size());
    const CallPtr asked = withOptions(call, options);
    std::vector<UnmountManyItem> results(what.size());
    const auto refuse = [&](std::size_t at) {
        const sdbus::Error error = toBusError(std::current_exception());
        results[at] = UnmountManyItem{what[at], false, std::string{error.getName()}, error.getMessage()};
    };
    std::vector<UnmountItem> known, items;  // the latter authorized, as far as they are mounted now
    Order::Keys keys;
    for (std::size_t at = 0; at < what.size(); ++at) {
        try {
            keys.merge(concerned(lineOf(call), what[at]));
            known.push_back({what[at], std::nullopt, at});
        } catch (...) {
            refuse(at);
        }
    }
    const Order::Turn turn = co_await core_.order.enter(lineOf(call), keys);
    // One after the other: several dialogs at once would help nobody.
    for (UnmountItem& item : known) {
        try {
            const MountRecord* record = peek(item.what);
            if (record != nullptr && !mayUnmount(*call, *record)) {
                item.granted = record->id;
                co_await core_.authorizer.require(asked, action::kUnmountOthers, detailsOf(*record));
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
                unmountItem(asked, item, lazy, results[item.at], [&left, complete](Done) {
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
    if (record.ownerUid != call->caller.euid) {  // who may mount it may also have it
        co_await core_.authorizer.require(withOptions(call, options),
                                          record.verified ? action::kMount : action::kMountUnverified,
                                          detailsOf(record));
        if (core_.registry.find(id) == nullptr) throwNotMounted(mountPath(id));
    }
    Work job{core_.workers, core_.loop, record.container(),
             [this, &record] { return core_.kernel.cloneMount(record.identity, record.mountPoint); }};
    UniqueFd clone = co_await job;
    std::tuple<sdbus::UnixFd> reply{sdbus::UnixFd{clone.release(), sdbus::adopt_fd}};
    co_return reply;
}

}  // namespace northstar::bus
