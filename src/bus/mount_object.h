// SPDX-License-Identifier: Apache-2.0
// /org/northstar/Mounter/mounts/N: one mount. Bus thread only.
#pragma once

#include "base/std.h"
#include "bus/dispatcher.h"
#include "engine/engine.h"
#include "registry/registry.h"

namespace northstar::bus {

class MountObject {
public:
    // Exported, and said to be there, until destroyed, which says that it is gone. A call of it may outlive it.
    MountObject(sdbus::IConnection& bus, Dispatcher& dispatcher, Engine& engine, const Registry& registry,
                std::uint32_t id);
    ~MountObject();

    // What changes, said: its mount point (somebody moved it), and that it is corrupted.
    void moved() { sayChanged("MountPoint"); }
    void corruptedChanged() { sayChanged("Corrupted"); }

private:
    void sayChanged(const char* property);
    void publish(Dispatcher& dispatcher, Engine& engine);

    const Registry& registry_;
    std::uint32_t id_;
    std::unique_ptr<sdbus::IObject> object_;
};

}  // namespace northstar::bus
