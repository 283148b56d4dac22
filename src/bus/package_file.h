// SPDX-License-Identifier: Apache-2.0
// Package files of callers: opening them, and what a descriptor may be called. Blocks; for workers.
#pragma once

#include <string>

#include "base/unique_fd.h"

namespace northstar::bus {

// Opens a regular file for reading, and nothing else: to open a device can do things (start a watchdog, rewind a tape),
// and to open a FIFO can wait. Follows symlinks, but no magic link: /proc/PID/fd/N would be opened with our rights.
// Throws InvalidArgs for what is no file, Failed.
[[nodiscard]] UniqueFd openPackageFile(const std::string& path);

// The path of the file if it lies on a mount of our mount namespace, else "descriptor": in a mount namespace of its own
// a caller can give any file any path. No filesystem is asked, so none can stall it.
[[nodiscard]] std::string describeDescriptor(int fd);

}  // namespace northstar::bus
