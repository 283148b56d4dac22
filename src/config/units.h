// SPDX-License-Identifier: Apache-2.0
// Durations and sizes as people write them in the configuration.
#pragma once

#include <chrono>

#include "base/std.h"

namespace northstar {

// "200ms", "5s", "2min": a whole number and a unit; nullopt for anything else or beyond a day.
[[nodiscard]] std::optional<std::chrono::milliseconds> parseDuration(std::string_view text);

// Bytes: "4096", "100MB" (10^6), "1GiB" (2^30); kB, MB, GB, TB, KiB, MiB, GiB, TiB, B. nullopt on overflow.
[[nodiscard]] std::optional<std::uint64_t> parseSize(std::string_view text);

}  // namespace northstar
