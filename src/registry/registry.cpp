// SPDX-License-Identifier: Apache-2.0
#include "registry/registry.h"

#include "base/error.h"
#include "base/utf8.h"

namespace northstar {
namespace {

template <typename Key>
void forget(std::map<Key, std::set<std::uint32_t>>& index, const Key& key, std::uint32_t id) {
    const auto it = index.find(key);
    if (it == index.end()) return;
    it->second.erase(id);
    if (it->second.empty()) index.erase(it);
}

}  // namespace

std::size_t Registry::countOf(uid_t owner) const {
    const auto mounted = std::ranges::count_if(mounts_, [&](const auto& m) { return m.second.ownerUid == owner; });
    const auto reserved = std::ranges::count_if(reservations_, [&](const auto& r) { return r.second.owner == owner; });
    return static_cast<std::size_t>(mounted + reserved);
}

std::size_t Registry::heldOf(uid_t owner) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(held_, [&](const auto& held) { return held.second.ownerUid == owner; }));
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

bool Registry::isFull(uid_t owner) const { return allFull() || isFullOf(owner) || holdsTooMany(owner); }

void Registry::hold(MountRecord record) {
    if (record.ownerUid == 0 || isReused(record)) return;
    held_.insert_or_assign(record.id, std::move(record));
}

bool Registry::isReused(const MountRecord& gone) const {
    return std::ranges::any_of(mounts_, [&](const auto& mount) {
        return mount.first != gone.id && mount.second.loopDevice == gone.loopDevice;
    });
}

Registry::Reservation Registry::reserve(const std::string& mountPoint, uid_t owner, const std::string& container,
                                        const std::string& repository) {
    if (const auto* other = findByMountPoint(mountPoint)) {
        throw Error{Code::AlreadyMounted, "Cannot mount on " + mountPoint + ": " + other->container() +
                                              " is mounted there; unmount it first or choose another target"};
    }
    for (const auto& [id, reservation] : reservations_) {
        if (reservation.mountPoint == mountPoint) {
            throw Error{Code::AlreadyMounted,
                        "Cannot mount on " + mountPoint + ": another call is mounting there at this moment"};
        }
    }
    if (allFull()) {
        throw Error{Code::LimitsExceeded, "Cannot mount on " + mountPoint + ": the limit of " +
                                              std::to_string(limits_.mounts) +
                                              " mounts is reached (limits.mounts in the configuration)"};
    }
    if (isFullOf(owner)) {
        throw Error{Code::LimitsExceeded,
                    "Cannot mount on " + mountPoint + ": user " + std::to_string(owner) + " has " +
                        std::to_string(limits_.mountsPerUid) +
                        " mounts already (limits.mounts_per_uid in the configuration); unmount some first"};
    }
    if (holdsTooMany(owner)) {
        throw Error{Code::LimitsExceeded,
                    "Cannot mount on " + mountPoint + ": the devices of " + std::to_string(heldOf(owner)) +
                        " unmounted mounts of user " + std::to_string(owner) + " are still in use, of at most " +
                        std::to_string(limits_.mountsPerUid) +
                        " (limits.mounts_per_uid in the configuration); end what uses them, perhaps in another mount "
                        "namespace"};
    }
    reservations_[++last_] = {mountPoint, owner, container, repository};
    return {reservations_, last_};
}

Registry::Leaving Registry::beginUnmount(std::uint32_t id) {
    leaving_.insert(id);
    return {leaving_, id};
}

void Registry::add(MountRecord record) {
    const std::uint32_t id = record.id;
    std::erase_if(held_, [&](const auto& held) { return held.second.loopDevice == record.loopDevice; });
    reservations_.erase(id);
    last_ = std::max(last_, id);
    remove(id);
    byContainer_[{record.name, {}}].insert(id);
    byContainer_[record.containerName()].insert(id);
    byMountPoint_[record.mountPoint].insert(id);
    if (const std::string shown = toUtf8(record.mountPoint); shown != record.mountPoint) {
        byShownMountPoint_[shown].insert(id);
    }
    mounts_.emplace(id, std::move(record));
}

void Registry::remove(std::uint32_t id) {
    const auto it = mounts_.find(id);
    if (it == mounts_.end()) return;
    const MountRecord& record = it->second;
    forget(byContainer_, ContainerName{record.name, {}}, id);
    forget(byContainer_, record.containerName(), id);
    forget(byMountPoint_, record.mountPoint, id);
    forget(byShownMountPoint_, toUtf8(record.mountPoint), id);
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

const MountRecord* Registry::findByMountPoint(const std::string& mountPoint) const {
    return first(byMountPoint_, mountPoint);
}

const MountRecord* Registry::findShownAs(const std::string& mountPoint) const {
    return first(byShownMountPoint_, mountPoint);
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
