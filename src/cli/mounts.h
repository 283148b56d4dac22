// SPDX-License-Identifier: Apache-2.0
// Mounts as rows for people and programs, and finding one by what it is called.
#pragma once

#include "base/std.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/text.h"

namespace northstar::cli {

// A row for each mount, in the order in which they were made: container, mount_point, device, object, verified,
// corrupted, owner_uid, mounted_at, and what else the service tells.
[[nodiscard]] Json mountRows(const State& state);

// The rows that are meant by an object path, the number in it, a mount point, or a container. Throws NotMounted.
[[nodiscard]] Json findMounts(const Json& rows, const std::string& what);

// Corrupted red, not verified yellow.
[[nodiscard]] Color colorOf(const Json& row);

}  // namespace northstar::cli
