// SPDX-License-Identifier: Apache-2.0
// Waiting for a FUSE filesystem that does not answer can only be ended for all who use it.
#pragma once

#include <cstddef>

namespace northstar {

// Aborts the connection of each FUSE filesystem that this process has a file open on: what waits for it, in any thread,
// fails with ENOTCONN. Returns how many there were. Waits for no filesystem. Any thread; needs CAP_SYS_ADMIN and
// fsmount(2), Linux 5.2, and does nothing without.
std::size_t abortOpenFuse() noexcept;

}  // namespace northstar
