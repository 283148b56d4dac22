// SPDX-License-Identifier: Apache-2.0
// One mount, as a plain value: what the bus shows of it and what it takes to know it again and to take it down.
#pragma once

#include <sys/types.h>

#include "base/std.h"
#include "kernel/device.h"
#include "kernel/mount.h"
#include "package/container_name.h"

namespace northstar {

struct MountRecord {
    std::uint32_t id = 0;  // N of the object path /org/northstar/Mounter/mounts/N; never 0
    std::string name, version;
    std::string repository;  // empty: mounted from a file or descriptor
    std::string source;      // path of the package, or what the descriptor was
    std::string mountPoint;
    std::string device;      // "/dev/dm-0", or the loop device if there is no verity
    std::string loopDevice;  // "/dev/loop0"
    std::string filesystem;
    bool verified = false;
    std::string rootHash;  // hexadecimal; empty if not verified
    bool corrupted = false;
    uid_t ownerUid = 0;
    std::uint64_t mountedAt = 0;  // µs since the epoch

    MountIdentity identity;
    std::string verityUuid;          // empty: no verity device
    std::uint64_t diskSequence = 0;  // of the verity device, see Device::diskSequence
    LoopBacking backing;
    MadeDirectory made;
    std::uint32_t replaces = 0;  // whose place it takes: that one is to be taken down as soon as this one is there

    [[nodiscard]] MountDevices devices() const {
        return {verityUuid, verityUuid.empty() ? dev_t{0} : identity.device, loopDevice, backing};
    }
    [[nodiscard]] std::string container() const { return containerName().text(); }
    [[nodiscard]] ContainerName containerName() const { return {name, version}; }
};

}  // namespace northstar
