// SPDX-License-Identifier: Apache-2.0
// Mounts that somebody else took down: told of, and directory, record and devices removed. And those that somebody
// moved (mount --move, or a directory above that was renamed): shown where they are now. Bus thread only.
#pragma once

#include "async/task.h"
#include "base/std.h"
#include "engine/unmount.h"
#include "engine/world.h"
#include "package/container_name.h"
#include "registry/mount_record.h"

namespace northstar {

class ExternalChanges {
public:
    ExternalChanges(World& world, Runtime& runtime, DeviceRelease& release)
        : world_{world}, runtime_{runtime}, release_{release} {}

    // In the turn of its container and mount point. Nothing happens if an unmount of ours is about it, or it is done.
    Task<> takeOut(std::uint32_t id);
    // The same, which takes the turn by itself.
    Task<> takeOutInTurn(MountRecord record);

    // Shows mounts at the mount points that these records have. No turn is needed: their keys stay good.
    void follow(const std::vector<MountRecord>& moved);

    // What the registry has may be gone since the last look at the mount table, and must be in nobody's way then.
    // In the turn of the mount point. It waits: before the last check of what is to be mounted.
    Task<> clear(std::string mountPoint);
    // Of all mounts of a container; without a turn.
    Task<> clearContainer(ContainerName container);

private:
    // Those of these mounts that are gone; those that were moved are shown so. None if that cannot be told: they are in
    // the way then.
    Task<std::vector<MountRecord>> goneOf(std::vector<MountRecord> mounts);

    World& world_;
    Runtime& runtime_;
    DeviceRelease& release_;
};

}  // namespace northstar
