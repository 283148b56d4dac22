// SPDX-License-Identifier: Apache-2.0
// The objects on the bus: the service itself, one for every mount, one for every repository. They show what registry
// and catalog hold, and say when that changes. Bus thread only.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "bus/calls.h"
#include "bus/dispatcher.h"

namespace northstar::bus {

// The object of a repository; the last component is its label, see config/repository_name.h.
[[nodiscard]] sdbus::ObjectPath repositoryPath(const std::string& name);

class Objects {
public:
    // Exports the service's object, one for each repository, and puts itself into core.events.
    Objects(Core& core, Calls& calls, Dispatcher& dispatcher);
    ~Objects();
    Objects(const Objects&) = delete;
    Objects& operator=(const Objects&) = delete;

    // An adopted mount: an object, but no signal Mounted.
    void addMount(std::uint32_t id);

private:
    void exportService();
    void exportRepositories();
    void mounted(const MountRecord& record);
    void unmounted(const MountRecord& record, const std::string& reason);
    void corrupted(const MountRecord& record, std::uint64_t block);
    void repositoryChanged(const std::string& repository);
    std::unique_ptr<sdbus::IObject> exportMount(std::uint32_t id);
    std::unique_ptr<sdbus::IObject> exportRepository(const std::string& name);
    void emitMountCount();

    Core& core_;
    Calls& calls_;
    Dispatcher& dispatcher_;
    std::unique_ptr<sdbus::IObject> service_;
    std::map<std::uint32_t, std::unique_ptr<sdbus::IObject>> mounts_;
    std::map<std::string, std::unique_ptr<sdbus::IObject>> repositories_;
};

}  // namespace northstar::bus
