// SPDX-License-Identifier: Apache-2.0
// All objects on the bus: the service itself, one for every mount, one for every repository. They show what registry
// and catalog hold, and say when that changes. Bus thread only.
#pragma once

#include <map>
#include <string>

#include "bus/mount_object.h"
#include "bus/mounter_object.h"
#include "bus/repository_object.h"

namespace northstar::bus {

class Objects : public Observer {
public:
    // Exports what there is, and observes the engine until destroyed.
    Objects(sdbus::IConnection& bus, Dispatcher& dispatcher, Engine& engine, World& world);
    ~Objects() override;
    Objects(const Objects&) = delete;
    Objects& operator=(const Objects&) = delete;

    void mounted(const MountRecord& record) override;
    void unmounted(const MountRecord& record, UnmountReason reason) override;
    void corrupted(const MountRecord& record, std::uint64_t block) override;
    void installed(const std::string& container, const std::string& repository) override;
    void uninstalled(const std::string& container, const std::string& repository) override;
    void repositoryChanged(const std::string& repository) override;
    void repositoriesReplaced() override;
    void verityAvailableChanged() override { mounter_.verityAvailableChanged(); }

private:
    void addMount(std::uint32_t id);

    sdbus::IConnection& bus_;
    Dispatcher& dispatcher_;
    Engine& engine_;
    World& world_;
    MounterObject mounter_;
    std::map<std::uint32_t, MountObject> mounts_;
    std::map<std::string, RepositoryObject> repositories_;
};

}  // namespace northstar::bus
