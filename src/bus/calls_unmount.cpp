// SPDX-License-Identifier: Apache-2.0
// Unmount, UnmountMany, and Open of a mount.
#include <spdlog/spdlog.h>

#include <charconv>

#include "bus/calls.h"
#include "bus/error_names.h"
#include "engine/mount_job.h"

namespace northstar::bus {
namespace {

[[noreturn]] void throwNotMounted(const std::string& what) {
    throw Error{Code::NotMounted, printable(what) + " is not mounted by this service; ListMounts shows what is"};
}

Details detailsOf(const MountRecord& record) {
    return {{"container", record.container()},   {"name", record.name},
            {"version", record.version},         {"repository", record.repository},
            {"verified", record.verified ? "true" : "false"}, {"target", record.mountPoint}};
}

}  // namespace

// An object path of ours, a mount point, "name:version", or "name" if only one version of it is mounted.
std::uint32_t Calls::findMounted(const std::string& what) const {
    const Registry& registry = core_.registry;
    if (what.starts_with(kMountsPath)) {
        const char* first = what.data() + std::string_view{kMountsPath}.size();
        const char* last = what.data() + what.size();
        std::uint32_t id = 0;
        const auto [end, failure] = std::from_chars(first, last, id);
        if (failure != std::errc{} || end != last || registry.find(id) == nullptr) throwNotMounted(what);
        return id;
    }
    if (what.starts_with('/')) {
        const MountRecord* record = registry.findByMountPoint(normalPath(what, "The mount point"));
        if (record == nullptr) throwNotMounted(what);
        return record->id;
    }
    std::vector<const MountRecord*> found;
    for (const auto& [id, record] : registry.mounts()) {
        if (record.container() == what || record.name == what) found.push_back(&record);
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

Async<Done> Calls::authorizeUnmount(CallPtr call, std::uint32_t id) {
    const MountRecord* record = core_.registry.find(id);
    if (record == nullptr) throwNotMounted(mountPath(id));
    if (record->ownerUid == call->caller.euid) co_return Done{};
    co_await core_.authorizer.require(call, action::kUnmountOthers, detailsOf(*record));
    if (core_.registry.find(id) == nullptr) throwNotMounted(mountPath(id));  // numbers are not reused
    co_return Done{};
}

Async<std::tuple<>> Calls::unmountAuthorized(std::uint32_t id, bool lazy) {
    const MountRecord* found = core_.registry.find(id);
    if (found == nullptr) throwNotMounted(mountPath(id));
    if (!core_.unmounting.insert(id).second) {
        throw Error{Code::Busy, "Cannot unmount " + found->mountPoint + ": another call is unmounting it"};
    }
    const MountRecord record = *found;
    try {
        Work job{core_.workers, core_.loop, record.container(), [this, &record, lazy] {
                     unmountRecord(core_.kernel, core_.state, record, lazy);
                     return Done{};
                 }};
        co_await job;
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

Async<std::tuple<>> Calls::unmountById(CallPtr call, std::uint32_t id, Options options) {
    const bool lazy = decodeUnmountOptions(options);
    co_await authorizeUnmount(withOptions(call, options), id);
    co_return co_await unmountAuthorized(id, lazy);
}

Async<std::tuple<>> Calls::unmount(CallPtr call, std::string what, Options options) {
    const bool lazy = decodeUnmountOptions(options);  // bad options are refused before anything is looked up
    const std::uint32_t id = findMounted(what);
    co_await authorizeUnmount(withOptions(call, options), id);
    co_return co_await unmountAuthorized(id, lazy);
}

Detached Calls::unmountItem(std::uint32_t id, bool lazy, UnmountManyItem& result, std::function<void(Done)> done) {
    try {
        co_await unmountAuthorized(id, lazy);
        result = UnmountManyItem{result.get<0>(), true, std::string{}, std::string{}};
    } catch (...) {
        const sdbus::Error error = toBusError(std::current_exception());
        result = UnmountManyItem{result.get<0>(), false, std::string{error.getName()}, error.getMessage()};
    }
    done(Done{});
}

Async<std::tuple<std::vector<UnmountManyItem>>> Calls::unmountMany(CallPtr call, std::vector<std::string> what,
                                                                   Options options) {
    const bool lazy = decodeUnmountOptions(options);
    refuseTooMany(what.size());
    const CallPtr asked = withOptions(call, options);
    std::vector<UnmountManyItem> results(what.size());
    std::vector<std::pair<std::uint32_t, std::size_t>> items;  // mount, place in the results
    for (std::size_t at = 0; at < what.size(); ++at) {
        results[at] = UnmountManyItem{what[at], false, std::string{}, std::string{}};
        try {
            const std::uint32_t id = findMounted(what[at]);
            co_await authorizeUnmount(asked, id);
            items.emplace_back(id, at);
        } catch (...) {
            const sdbus::Error error = toBusError(std::current_exception());
            results[at] = UnmountManyItem{what[at], false, std::string{error.getName()}, error.getMessage()};
        }
    }
    if (!items.empty()) {
        std::size_t left = items.size();
        Callback<Done> finished{[&](const Callback<Done>::Complete& complete) {
            for (const auto& [id, at] : items) {
                unmountItem(id, lazy, results[at], [&left, complete](Done) {
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
    }
    Work job{core_.workers, core_.loop, record.container(),
             [this, &record] { return core_.kernel.cloneMount(record.identity, record.mountPoint); }};
    UniqueFd clone = co_await job;
    std::tuple<sdbus::UnixFd> reply{sdbus::UnixFd{clone.release(), sdbus::adopt_fd}};
    co_return reply;
}

}  // namespace northstar::bus
