// SPDX-License-Identifier: Apache-2.0
// The copy of a package that an install makes.
#pragma once

#include <stop_token>

#include "base/std.h"
#include "repository/progress.h"

namespace northstar {

// Copies the first `size` bytes of a file to the start of an empty one: shares the blocks where the filesystem can
// (FICLONE, ioctl_ficlone(2)), lets the kernel copy where it can (copy_file_range(2)), else reads and writes. Each byte
// is one pass. Throws InvalidPackage if there are fewer by now, CapacityExceeded if there is no room, Failed.
void copyPackage(int from, int to, std::uint64_t size, const std::string& name, const std::stop_token& stop,
                 Progress& progress);

}  // namespace northstar
