// SPDX-License-Identifier: Apache-2.0
// Numbers as ZIP, dm-verity and the filesystems write them. Internal to src/package.
#pragma once

#include "base/std.h"

namespace northstar {

// The little-endian number at `offset`. The caller has made sure that the bytes are there.
template <typename Number>
[[nodiscard]] Number littleEndian(std::span<const std::uint8_t> bytes, std::size_t offset) {
    std::uint64_t value = 0;
    for (std::size_t i = sizeof(Number); i-- > 0;) value = (value << 8U) | bytes[offset + i];
    return static_cast<Number>(value);
}

}  // namespace northstar
