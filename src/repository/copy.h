// SPDX-License-Identifier: Apache-2.0
// The copy of a package that an install makes.
#pragma once

#include <stop_token>

#include "base/std.h"
#include "repository/progress.h"

namespace northstar {

// Copies the first `size` bytes of a file to the start of an empty one. Each byte is one pass. Throws InvalidPackage if
// there are fewer by now, CapacityExceeded if there is no room, Failed.
// Not by FICLONE or copy_file_range(2), which wait for the lock of the inode: whoever may write to a caller's file can
// keep it for ever, and this is done in a line in which others stand.
void copyPackage(int from, int to, std::uint64_t size, const std::string& name, const std::stop_token& stop,
                 Progress& progress);

}  // namespace northstar
