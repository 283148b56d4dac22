// SPDX-License-Identifier: Apache-2.0
// Lower-case hexadecimal, the form in which hashes are written in packages and shown on the bus; names that nobody else
// has and nobody can guess are written in it, too.
#pragma once

#include "base/std.h"

namespace northstar {

[[nodiscard]] std::string toHex(std::span<const std::uint8_t> bytes);

// nullopt unless the text is an even number of hexadecimal digits (either case).
[[nodiscard]] std::optional<std::vector<std::uint8_t>> fromHex(std::string_view text);

// 128 random bits (getrandom(2)) as 32 hexadecimal digits. Throws Failed. Any thread.
[[nodiscard]] std::string randomHex();

}  // namespace northstar
