// SPDX-License-Identifier: Apache-2.0
// Times and sizes of the configuration, as people write them.
#pragma once

#include <chrono>

#include "base/std.h"

namespace northstar {

// A number with a unit, or several that are added up: "200ms", "1.5s", "1min 30s". Units are those of systemd.time(7)
// from milliseconds to days: ms, msec; s, sec, second(s); m, min, minute(s); h, hr, hour(s); d, day(s). What is less
// than a millisecond is cut off. nullopt for anything else, for a number without a unit, and beyond a day.
[[nodiscard]] std::optional<std::chrono::milliseconds> parseDuration(std::string_view text);

// Bytes: "4096", "100MB", "1.5 GiB", "500k". K, M, G, T, P and E are powers of 1000, with an i behind them of 1024; the
// B may be left out, and case does not matter. What is less than a byte is cut off. nullopt for anything else, for a
// fraction of a plain number, and for what does not fit 64 bits.
[[nodiscard]] std::optional<std::uint64_t> parseSize(std::string_view text);

}  // namespace northstar
