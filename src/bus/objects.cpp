// SPDX-License-Identifier: Apache-2.0
#include "bus/objects.h"

#include <spdlog/spdlog.h>

#include "base/utf8.h"

namespace northstar::bus {
namespace {

// The bus may be gone already when the service ends; then nobody needs to be told.
template <typename Owner>
void removeObject(Owner& object) noexcept {
    try {
        object->emitInterfacesRemovedSignal();  // while it can still be asked which interfaces it has
    } catch (const sdbus::Error& error) {
        spdlog::debug("Cannot say that an object is gone: {}", error.getMessage());
    }
    object.reset();
}

}  // namespace

Objects::Objects(Core& core, Calls& calls, Dispatcher& dispatcher)
    : core_{core}, calls_{calls}, dispatcher_{dispatcher} {
    exportService();
    exportRepositories();
    core_.events.mounted = [this](const MountRecord& record) { mounted(record); };
    core_.events.unmounted = [this](const MountRecord& record, const std::string& why) { unmounted(record, why); };
    core_.events.corrupted = [this](const MountRecord& record, std::uint64_t block) { corrupted(record, block); };
    core_.events.installed = [this](const std::string& container, const std::string& repository) {
        repositoryChanged(repository);
        service_->emitSignal("Installed").onInterface(kServiceName).withArguments(container, repository);
    };
    core_.events.uninstalled = [this](const std::string& container, const std::string& repository) {
        repositoryChanged(repository);
        service_->emitSignal("Uninstalled").onInterface(kServiceName).withArguments(container, repository);
    };
    core_.events.repositoryChanged = [this](const std::string& repository) { repositoryChanged(repository); };
    core_.events.repositoriesReplaced = [this] { exportRepositories(); };
    core_.events.verityAvailableChanged = [this] {
        service_->emitPropertiesChangedSignal(kServiceName, {PropertyName{"VerityAvailable"}});
    };
}

Objects::~Objects() {
    core_.events = {};
    for (auto& [id, object] : mounts_) removeObject(object);
    for (auto& [name, object] : repositories_) removeObject(object);
}

void Objects::addMount(std::uint32_t id) {
    auto& object = mounts_[id];
    object = exportMount(id);
    object->emitInterfacesAddedSignal();
}

void Objects::emitMountCount() { service_->emitPropertiesChangedSignal(kServiceName, {PropertyName{"MountCount"}}); }

void Objects::mounted(const MountRecord& record) {
    addMount(record.id);
    emitMountCount();
    service_->emitSignal("Mounted")
        .onInterface(kServiceName)
        .withArguments(mountPath(record.id), record.container(), toUtf8(record.mountPoint));
}

void Objects::unmounted(const MountRecord& record, const std::string& reason) {
    if (const auto it = mounts_.find(record.id); it != mounts_.end()) {
        removeObject(it->second);
        mounts_.erase(it);
    }
    emitMountCount();
    service_->emitSignal("Unmounted")
        .onInterface(kServiceName)
        .withArguments(mountPath(record.id), record.container(), toUtf8(record.mountPoint), reason);
    // Nobody need answer for what is gone.
    core_.authorizer.withdraw(record.id);
}

void Objects::corrupted(const MountRecord& record, std::uint64_t block) {
    if (const auto it = mounts_.find(record.id); it != mounts_.end()) {
        it->second->emitPropertiesChangedSignal("org.northstar.Mounter.Mount", {PropertyName{"Corrupted"}});
    }
    service_->emitSignal("CorruptionDetected")
        .onInterface(kServiceName)
        .withArguments(mountPath(record.id), record.container(), block);
}

void Objects::repositoryChanged(const std::string& repository) {
    if (const auto it = repositories_.find(repository); it != repositories_.end()) {
        it->second->emitPropertiesChangedSignal("org.northstar.Mounter.Repository",
                                                {PropertyName{"Containers"}, PropertyName{"Used"}});
    }
}

// After a reload: objects of new repositories come, of removed ones go, of the others all is said anew.
void Objects::exportRepositories() {
    const auto& wanted = core_.catalog.repositories();
    for (auto it = repositories_.begin(); it != repositories_.end();) {
        if (wanted.contains(it->first)) {
            it->second->emitPropertiesChangedSignal("org.northstar.Mounter.Repository");
            ++it;
        } else {
            removeObject(it->second);
            it = repositories_.erase(it);
        }
    }
    for (const auto& [name, repository] : wanted) {
        if (repositories_.contains(name)) continue;
        auto& object = repositories_[name];
        object = exportRepository(name);
        object->emitInterfacesAddedSignal();
    }
}

}  // namespace northstar::bus
