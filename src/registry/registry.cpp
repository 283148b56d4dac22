// SPDX-License-Identifier: Apache-2.0
#include "registry/registry.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"

namespace northstar {
namespace {

template <typename Key>
void forget(std::map<Key, std::set<std::uint32_t>>& index, const Key& key, std::uint32_t id) {
    index[key].erase(id);
    if (index[key].empty()) index.erase(key);
}

[[noreturn]] void refuse(Code code, const std::string& mountPoint, const std::string& why) {
    throw Error{code, fmt::format("Cannot mount on {}: {}", mountPoint, why)};
}

}  // namespace

std::size_t Registry::countOf(uid_t owner) const {
    const auto mounted = std::ranges::count_if(mounts_, [&](const auto& m) { return m.second.ownerUid == owner; });
    const auto reserved = std::ranges::count_if(reservations_, [&](const auto& r) { return r.second.owner == owner; });
    return static_cast<std::size_t>(mounted + reserved);
}

std::size_t Registry::heldOf(uid_t owner) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(held_, [&](const auto& held) { return held.second.record.ownerUid == owner; }));
}

bool Registry::allFull() const {
    return limits_.mounts != 0 && mounts_.size() + reservations_.size() >= limits_.mounts;
}

bool Registry::isFullOf(uid_t owner) const {
    return owner != 0 && limits_.mountsPerUid != 0 && countOf(owner) >= limits_.mountsPerUid;
}

bool Registry::holdsTooMany(uid_t owner) const {
    return owner != 0 && limits_.mountsPerUid != 0 && heldOf(owner) >= limits_.mountsPerUid;
}

void Registry::hold(MountRecord record, Time since) {
    if (record.ownerUid == 0 || isReused(record)) return;
    const std::uint32_t id = record.id;
    held_.insert_or_assign(id, Held{std::move(record), since});
}

void Registry::letGoBefore(Time time) {
    std::erase_if(held_, [&](const auto& held) { return held.second.since < time; });
}

bool Registry::isReused(const MountRecord& gone) const {
    return std::ranges::any_of(mounts_, [&](const auto& mount) {
        return mount.first != gone.id && mount.second.loopDevice == gone.loopDevice;
    });
}

Registry::Reservation Registry::reserve(const std::string& mountPoint, uid_t owner, const std::string& container,
                                        const std::string& repository) {
    if (const auto* other = findByMountPoint(mountPoint)) {
        refuse(Code::AlreadyMounted, mountPoint,
               other->container() + " is mounted there; unmount it first or choose another target");
    }
    if (std::ranges::any_of(reservations_, [&](const auto& r) { return r.second.mountPoint == mountPoint; })) {
        refuse(Code::AlreadyMounted, mountPoint, "another call is mounting there at this moment");
    }
    if (allFull()) {
        refuse(Code::LimitsExceeded, mountPoint,
               fmt::format("the limit of {} mounts is reached (limits.mounts in the configuration)", limits_.mounts));
    }
    return reserveFor(owner, {mountPoint, owner, container, repository}, isFullOf(owner));
}

Registry::Reservation Registry::reserveInPlaceOf(const MountRecord& there, uid_t owner, const std::string& container,
                                                 const std::string& repository) {
    return reserveFor(owner, {there.mountPoint, owner, container, repository},
                      there.ownerUid != owner && isFullOf(owner));
}

Registry::Reservation Registry::reserveFor(uid_t owner, Reserved reserved, bool full) {
    if (full) {
        refuse(Code::LimitsExceeded, reserved.mountPoint,
               fmt::format("user {} has {} mounts already (limits.mounts_per_uid in the configuration); unmount some "
                           "first",
                           owner, limits_.mountsPerUid));
    }
    if (holdsTooMany(owner)) {
        refuse(Code::LimitsExceeded, reserved.mountPoint,
               fmt::format("the devices of {} unmounted mounts of user {} are still in use, of at most {} "
                           "(limits.mounts_per_uid in the configuration); end what uses them, perhaps in another mount "
                           "namespace",
                           heldOf(owner), owner, limits_.mountsPerUid));
    }
    reservations_[++last_] = std::move(reserved);
    return {reservations_, last_};
}

Registry::Leaving Registry::beginUnmount(std::uint32_t id) {
    leaving_.insert(id);
    return {leaving_, id};
}

void Registry::add(MountRecord record) {
    const std::uint32_t id = record.id;
    std::erase_if(held_, [&](const auto& held) { return held.second.record.loopDevice == record.loopDevice; });
    reservations_.erase(id);
    last_ = std::max(last_, id);
    remove(id);
    byContainer_[{record.name, {}}].insert(id);
    byContainer_[record.containerName()].insert(id);
    indexMountPoint(record);
    mounts_.emplace(id, std::move(record));
}

void Registry::indexMountPoint(const MountRecord& record) {
    byMountPoint_[record.mountPoint].insert(record.id);
    if (const std::string shown = toUtf8(record.mountPoint); shown != record.mountPoint) {
        byShownMountPoint_[shown].insert(record.id);
    }
}

void Registry::forgetMountPoint(const MountRecord& record) {
    forget(byMountPoint_, record.mountPoint, record.id);
    forget(byShownMountPoint_, toUtf8(record.mountPoint), record.id);
}

void Registry::relocate(std::uint32_t id, const std::string& mountPoint) {
    MountRecord* record = find(id);
    if (record == nullptr) return;
    forgetMountPoint(*record);
    record->mountPoint = mountPoint;
    indexMountPoint(*record);
}

void Registry::remove(std::uint32_t id) {
    const auto it = mounts_.find(id);
    if (it == mounts_.end()) return;
    const MountRecord& record = it->second;
    forget(byContainer_, ContainerName{record.name, {}}, id);
    forget(byContainer_, record.containerName(), id);
    forgetMountPoint(record);
    mounts_.erase(it);
}

const MountRecord* Registry::find(std::uint32_t id) const {
    const auto it = mounts_.find(id);
    return it == mounts_.end() ? nullptr : &it->second;
}

MountRecord* Registry::find(std::uint32_t id) {
    const auto it = mounts_.find(id);
    return it == mounts_.end() ? nullptr : &it->second;
}

const MountRecord* Registry::first(const Index& index, const std::string& key) const {
    const auto it = index.find(key);
    return it == index.end() ? nullptr : find(*it->second.begin());
}

const std::set<std::uint32_t>& Registry::findByContainer(const ContainerName& what) const {
    static const std::set<std::uint32_t> kNone;
    const auto it = byContainer_.find(what);
    return it == byContainer_.end() ? kNone : it->second;
}

std::vector<const MountRecord*> Registry::findByDevice(dev_t device) const {
    std::vector<const MountRecord*> found;
    for (const auto& [id, record] : mounts_) {
        if (record.identity.device == device) found.push_back(&record);
    }
    return found;
}

bool Registry::isMounted(const std::string& container, const std::string& repository) const {
    return std::ranges::any_of(
        mounts_, [&](const auto& m) { return m.second.repository == repository && m.second.container() == container; });
}

std::set<std::pair<std::string, std::string>> Registry::mountedContainers() const {
    std::set<std::pair<std::string, std::string>> mounted;
    for (const auto& [id, record] : mounts_) mounted.emplace(record.repository, record.container());
    return mounted;
}

bool Registry::isReserved(const std::string& container, const std::string& repository) const {
    return std::ranges::any_of(reservations_, [&](const auto& r) {
        return r.second.repository == repository && r.second.container == container;
    });
}

}  // namespace northstar
