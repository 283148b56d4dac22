// SPDX-License-Identifier: Apache-2.0
// What a starting daemon finds of its predecessor: mounts to adopt, left-overs to remove.
#pragma once

#include "base/std.h"
#include "engine/mount_steps.h"
#include "kernel/kernel.h"
#include "registry/mount_record.h"

namespace northstar {

// Mounts that are known by device identity, mount id and dm UUID, never by path text, with what happened to them
// meanwhile (moved, unmounted, corrupted). Records without a mount, their directories, and verity devices of ours that
// no mount uses are removed. Blocks.
[[nodiscard]] std::vector<MountRecord> recoverMounts(const MountSteps& steps);

// Of these records, the numbers of those on whose verity device a block was found wrong. Blocks.
[[nodiscard]] std::vector<std::uint32_t> findCorrupted(Kernel& kernel, const std::vector<MountRecord>& records);

struct TableChanges {
    std::vector<MountRecord> vanished;  // whose mount is gone from the mount table
    std::vector<MountRecord> moved;     // whose mount is at another path, with that path
};

// Of these records. One pass over the table, three where it cannot tell at once which mount it shows. Blocks.
[[nodiscard]] TableChanges findChanges(Kernel& kernel, const std::vector<MountRecord>& records);

}  // namespace northstar
