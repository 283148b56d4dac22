// SPDX-License-Identifier: Apache-2.0
// Kernel uevents: how dm-verity tells of blocks that do not match (kernel: drivers/md/dm-verity-target.c).
#pragma once

#include "base/std.h"
#include "kernel/device.h"

namespace northstar {

// A kernel uevent is "ACTION@DEVPATH" and then KEY=VALUE strings, each ended by NUL. nullopt for anything
// that is not a block device's DM_VERITY_ERR_BLOCK_NR with its device number.
[[nodiscard]] std::optional<Corruption> parseCorruption(std::span<const char> message);

// Only the kernel's own messages are believed. The kernel sends them to every network namespace that belongs
// to the initial user namespace; elsewhere nothing arrives. Throws Failed.
[[nodiscard]] std::unique_ptr<CorruptionWatch> watchUevents();

}  // namespace northstar
