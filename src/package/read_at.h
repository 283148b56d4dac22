// SPDX-License-Identifier: Apache-2.0
// Reading at a position, so that a descriptor that others share keeps its file offset. Internal.
#pragma once

#include "base/std.h"

namespace northstar {

// Reads until the buffer is full or the file ends; returns how many bytes were read. `offset` is in bytes;
// one that no file can have reads nothing. Throws Failed on a read error. Thread-safe.
[[nodiscard]] std::size_t readAt(int fd, std::uint64_t offset, std::span<std::uint8_t> buffer);

}  // namespace northstar
