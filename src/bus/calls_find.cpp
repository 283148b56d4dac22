// SPDX-License-Identifier: Apache-2.0
// Which mount a caller means: an object path of ours, a mount point, "name:version", or "name" if it is mounted once.
#include <charconv>

#include "bus/calls.h"

namespace northstar::bus {
namespace {

const MountRecord* findByMountPoint(const Registry& registry, const std::string& mountPoint) {
    const MountRecord* record = registry.findByMountPoint(mountPoint);
    return record != nullptr ? record : registry.findShownAs(mountPoint);
}

// nullptr: the path is no mount's.
const MountRecord* findObject(const Registry& registry, const std::string& path) {
    const char* first = path.data() + std::string_view{kMountsPath}.size();
    const char* last = path.data() + path.size();
    std::uint32_t id = 0;
    const auto [end, failure] = std::from_chars(first, last, id);
    return failure == std::errc{} && end == last ? registry.find(id) : nullptr;
}

bool mayBeContainer(const std::string& what) {
    const auto colon = what.find(':');
    return isContainerName(what.substr(0, colon)) &&
           (colon == std::string::npos || Version::parse(std::string_view{what}.substr(colon + 1)));
}

[[noreturn]] void throwSeveral(const Registry& registry, const std::string& what, const std::set<std::uint32_t>& ids) {
    constexpr std::size_t kMostNamed = 5;
    std::string places;
    std::size_t named = 0;
    for (const std::uint32_t id : ids) {
        if (named++ == kMostNamed) break;
        places += (places.empty() ? "" : ", ") + printable(registry.find(id)->mountPoint);
    }
    if (ids.size() > kMostNamed) places += " and " + std::to_string(ids.size() - kMostNamed) + " more";
    throw Error{Code::InvalidArgs,
                printable(what) + " is mounted several times (" + places + "); name one of the mount points"};
}

}  // namespace

void throwNotMounted(const std::string& what) {
    throw Error{Code::NotMounted, printable(what) + " is not mounted by this service; ListMounts shows what is"};
}

const MountRecord* Calls::findMounted(const std::string& what) const {
    const Registry& registry = core_.registry;
    if (what.starts_with(kMountsPath)) return findObject(registry, what);
    if (what.starts_with('/')) return findByMountPoint(registry, normalPath(what, "The mount point"));
    const auto& ids = registry.findByContainer(what);
    if (ids.size() > 1) throwSeveral(registry, what, ids);
    return ids.empty() ? nullptr : registry.find(*ids.begin());
}

Order::Keys Calls::concerned(const std::string& scope, const std::string& what, Order::Budget& budget) const {
    Order::Keys keys;
    const auto add = [&](const MountRecord* record) {
        if (record == nullptr) return;
        budget.spend(2);
        keys.insert({record->container(), record->mountPoint});
    };
    const auto addTaken = [&](const std::string& first, const std::string& last) {
        keys.merge(core_.order.taken(scope, first, last, budget));
    };
    budget.spend();
    if (what.starts_with(kMountsPath)) {
        add(findObject(core_.registry, what));
        return keys;
    }
    if (what.starts_with('/')) {
        const std::string mountPoint = normalPath(what, "The mount point");
        keys.insert(mountPoint);
        add(findByMountPoint(core_.registry, mountPoint));
        return keys;
    }
    // What cannot be there has nothing to wait for.
    if (!mayBeContainer(what)) throwNotMounted(what);
    keys.insert(what);
    for (const std::uint32_t id : core_.registry.findByContainer(what)) add(core_.registry.find(id));
    addTaken(what + ":", what + ";");  // its versions: ';' comes after ':'
    return keys;
}

}  // namespace northstar::bus
