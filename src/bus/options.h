// SPDX-License-Identifier: Apache-2.0
// The a{sv} options of the methods, taken strictly: an unknown key or a wrong type is InvalidArgs naming the key. And
// what else is taken apart once, at the door.
#pragma once

#include <string>

#include "bus/arguments.h"
#include "engine/mount_plan.h"
#include "engine/mount_ref.h"
#include "engine/mount_steps.h"

namespace northstar::bus {

enum class MountKind { Container, File, Many };
[[nodiscard]] MountRequest decodeMountOptions(const Options& options, MountKind kind);

[[nodiscard]] UnmountMode decodeUnmountOptions(const Options& options);

// Of the calls that take "repository" alone.
[[nodiscard]] std::string decodeRepository(const Options& options);

// Of the calls that take none but "auth.no_user_interaction" (b), which every method allows.
void refuseOptions(const Options& options);

// True unless the options say that nobody may be asked.
[[nodiscard]] bool allowsInteraction(const Options& options);

// The `what` of an unmount: an object path of ours, a mount point, or a container.
[[nodiscard]] MountRef decodeMountRef(const std::string& what);

// An absolute path without "//", "/." and a slash at its end. Throws InvalidArgs for "..", a relative path, "/", or one
// with controls.
[[nodiscard]] std::string normalPath(const std::string& path, const std::string& what);

}  // namespace northstar::bus
