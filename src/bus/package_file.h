// SPDX-License-Identifier: Apache-2.0
// Package files of callers: what a descriptor may be called. Blocks; for workers.
#pragma once

#include <string>

namespace northstar::bus {

// The path of the file if it lies on a mount of our mount namespace, else "descriptor": in a mount namespace of its own
// a caller can give any file any path. No filesystem is asked, so none can stall it.
[[nodiscard]] std::string describeDescriptor(int fd);

}  // namespace northstar::bus
