// SPDX-License-Identifier: Apache-2.0
#include "engine/mount_lines.h"

namespace northstar {

MountKeys MountKeys::unread(const std::string& mountPoint) {
    MountKeys keys;
    keys.entries_[anything()] = Entry::Apart;
    if (!mountPoint.empty()) keys.addPoint(mountPoint);
    return keys;
}

void MountKeys::addContainer(const ContainerName& container) {
    const Key name{Kind::Name, container.name};
    if (container.version.empty()) {
        entries_.insert_or_assign(name, Entry::Exclusive);
    } else {
        entries_.try_emplace(name, Entry::Shared);
        entries_.insert_or_assign({Kind::Container, container.text()}, Entry::Exclusive);
    }
}

void MountKeys::merge(const MountKeys& other) {
    for (const auto& [key, entry] : other.entries_) {
        if (entry == Entry::Exclusive) {
            entries_.insert_or_assign(key, entry);
        } else {
            entries_.try_emplace(key, entry);
        }
    }
}

bool MountKeys::hold(const ContainerName& container) const {
    const auto name = entries_.find({Kind::Name, container.name});
    return entries_.contains({Kind::Container, container.text()}) ||
           (name != entries_.end() && name->second == Entry::Exclusive);
}

Task<MountLines::Turn> MountLines::enter(const std::string& line, const MountKeys& keys) {
    Lanes<Key>::Keys entered;
    for (const auto& [key, entry] : keys.entries()) entered.emplace(Key{line, key}, entry);
    return lanes_.enter(std::move(entered));
}

}  // namespace northstar
