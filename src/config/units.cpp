// SPDX-License-Identifier: Apache-2.0
#include "config/units.h"

#include <charconv>
#include <system_error>

#include "base/checked.h"

namespace northstar {
namespace {

using Unit = std::pair<std::string_view, std::uint64_t>;

template <std::size_t N>
std::optional<std::uint64_t> parseWithUnit(std::string_view text, const std::array<Unit, N>& units) {
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{}) return std::nullopt;
    std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
    while (unit.starts_with(' ')) unit.remove_prefix(1);
    for (const auto& [name, factor] : units) {
        if (unit == name) return checkedMul(number, factor);
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> parseDuration(std::string_view text) {
    constexpr std::array<Unit, 4> kUnits{{{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}}};
    constexpr std::uint64_t kDay = 24 * 3'600'000ULL;
    const auto milliseconds = parseWithUnit(text, kUnits);
    if (!milliseconds || *milliseconds > kDay) return std::nullopt;
    return std::chrono::milliseconds{static_cast<std::int64_t>(*milliseconds)};
}

std::optional<std::uint64_t> parseSize(std::string_view text) {
    constexpr std::array<Unit, 10> kUnits{{{"", 1},
                                           {"B", 1},
                                           {"kB", 1000},
                                           {"MB", 1'000'000},
                                           {"GB", 1'000'000'000},
                                           {"TB", 1'000'000'000'000},
                                           {"KiB", 1ULL << 10U},
                                           {"MiB", 1ULL << 20U},
                                           {"GiB", 1ULL << 30U},
                                           {"TiB", 1ULL << 40U}}};
    return parseWithUnit(text, kUnits);
}

}  // namespace northstar
