// SPDX-License-Identifier: Apache-2.0
// All objects on the bus: the service itself, one for every mount, one for every repository. They show what registry
// and catalog hold, and say when that changes. Bus thread only.
#pragma once

#include "base/std.h"
#include "bus/dispatcher.h"
#include "bus/mount_object.h"
#include "bus/mounter_object.h"
#include "bus/repository_object.h"
#include "engine/engine.h"
#include "engine/observer.h"
#include "engine/world.h"
#include "registry/mount_record.h"

namespace northstar::bus {

class Objects : public Observer {
public:
    // Exports what there is, and observes the engine until destroyed.
    Objects(sdbus::IConnection& bus, Dispatcher& dispatcher, Engine& engine, World& world);
    ~Objects() override;
    // The bus is lost: nobody is told of anything any more.
    void stopObserving();
    Objects(const Objects&) = delete;
    Objects& operator=(const Objects&) = delete;

    void mounted(const MountRecord& record) override { addMount(record.id); }
    void unmounted(const MountRecord& record, UnmountReason) override { mounts_.erase(record.id); }
    void moved(const MountRecord& record) override { changed(record, &MountObject::moved); }
    void corrupted(const MountRecord& record, std::uint64_t) override {
        changed(record, &MountObject::corruptedChanged);
    }
    void installed(const std::string&, const std::string& repository) override { repositoryChanged(repository); }
    void installProgress(const InstallProgress& progress) override;
    void uninstalled(const std::string&, const std::string& repository) override { repositoryChanged(repository); }
    void repositoryChanged(const std::string& repository) override;
    void repositoriesReplaced() override;

private:
    void addMount(std::uint32_t id);
    void changed(const MountRecord& record, void (MountObject::*tell)());

    sdbus::IConnection& bus_;
    Dispatcher& dispatcher_;
    Engine& engine_;
    World& world_;
    MounterObject mounter_;
    std::map<std::uint32_t, MountObject> mounts_;
    std::map<std::string, RepositoryObject> repositories_;
};

}  // namespace northstar::bus
