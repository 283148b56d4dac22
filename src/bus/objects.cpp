// SPDX-License-Identifier: Apache-2.0
#include "bus/objects.h"

namespace northstar::bus {

Objects::Objects(sdbus::IConnection& bus, Dispatcher& dispatcher, Engine& engine, World& world)
    : bus_{bus}, dispatcher_{dispatcher}, engine_{engine}, world_{world}, mounter_{bus, dispatcher, engine, world} {
    Objects::repositoriesReplaced();
    for (const auto& [id, record] : world_.registry.mounts()) addMount(id);
    world_.observers.add(*this);  // an object comes and goes before a signal tells of it
    world_.observers.add(mounter_);
}

Objects::~Objects() { stopObserving(); }

void Objects::stopObserving() {
    world_.observers.remove(mounter_);
    world_.observers.remove(*this);
}

void Objects::addMount(std::uint32_t id) { mounts_.try_emplace(id, bus_, dispatcher_, engine_, world_.registry, id); }

void Objects::changed(const MountRecord& record, void (MountObject::*tell)()) {
    if (const auto it = mounts_.find(record.id); it != mounts_.end()) (it->second.*tell)();
}

void Objects::repositoryChanged(const std::string& repository) {
    if (const auto it = repositories_.find(repository); it != repositories_.end()) it->second.contentChanged();
}

void Objects::installProgress(const InstallProgress& progress) {
    const auto it = repositories_.find(progress.repository);
    if (it != repositories_.end()) it->second.installProgress(progress);
}

// Objects of new repositories come, of removed ones go, of the others all is said anew.
void Objects::repositoriesReplaced() {
    const auto& wanted = world_.catalog.repositories();
    std::erase_if(repositories_, [&](const auto& entry) { return !wanted.contains(entry.first); });
    for (auto& [name, object] : repositories_) object.allChanged();
    for (const auto& [name, repository] : wanted) {
        repositories_.try_emplace(name, bus_, dispatcher_, engine_, world_.catalog, name);
    }
}

}  // namespace northstar::bus
