// SPDX-License-Identifier: Apache-2.0
// What a failed mount means: the errno value and the kernel's own words, turned into an error to act on.
#pragma once

#include "base/std.h"
#include "kernel/mount.h"

namespace northstar {

// Text of the messages that a filesystem left in the descriptor from fsopen(2), joined by "; ".
[[nodiscard]] std::string filesystemLog(int context);

// Unsupported if the kernel lacks the filesystem or a decompressor (then naming the option), Corrupted if the
// image cannot be read, else Failed. `log` may be empty: mount(2) has none.
[[noreturn]] void throwMountError(const std::string& source, const MountOptions& options, int error,
                                  const std::string& log);

// Kernel option of the decompressor that a squashfs message complains of; empty if it is about something
// else.
[[nodiscard]] std::string missingDecompressor(const std::string& log);

}  // namespace northstar
