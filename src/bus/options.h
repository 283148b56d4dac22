// SPDX-License-Identifier: Apache-2.0
// The a{sv} options of the methods, taken strictly: an unknown key or a wrong type is InvalidArgs naming the key.
#pragma once

#include "base/slow_close.h"
#include "base/std.h"
#include "bus/arguments.h"
#include "engine/mount_plan.h"
#include "kernel/mount.h"

namespace northstar::bus {

enum class MountKind { Container, File, Many, Replacement };
[[nodiscard]] MountRequest decodeMountOptions(const Options& options, MountKind kind);

[[nodiscard]] UnmountMode decodeUnmountOptions(const Options& options);

// Of the calls that take "repository" alone.
[[nodiscard]] std::string decodeRepository(const Options& options);

// "userns" of Open; null if there is none.
[[nodiscard]] std::shared_ptr<CallerFd> decodeOpenOptions(const Options& options);

// Of the calls that take none but "auth.no_user_interaction" (b), which every method allows.
void refuseOptions(const Options& options);

// True unless the options say that nobody may be asked.
[[nodiscard]] bool allowsInteraction(const Options& options);

}  // namespace northstar::bus
