// SPDX-License-Identifier: Apache-2.0
#include "config/value.h"

#include <limits.h>

#include <charconv>
#include <system_error>

#include "base/checked.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/path.h"
#include "base/utf8.h"

namespace northstar {
namespace {

using Unit = std::pair<std::string_view, std::uint64_t>;

std::optional<std::uint64_t> parseWithUnit(std::string_view text, std::span<const Unit> units) {
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

[[noreturn]] void refuse(const std::string& why) { throw Error{Code::Failed, why}; }

bool isPlain(char c) { return isAsciiAlphanumeric(c) || c == '_'; }

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

std::string resolveDirectory(const std::string& path, const std::string& root) {
    if (!path.starts_with('/')) refuse("must be an absolute path");
    if (path.size() >= PATH_MAX) refuse("is too long");
    if (hasControls(path)) refuse("must not contain control characters");
    auto parts = pathComponents(path);
    std::erase(parts, ".");
    if (parts.empty()) refuse("must be below /");
    if (std::ranges::find(parts, "..") != parts.end()) refuse("must not contain ..");
    WalkPolicy policy{.links = WalkPolicy::Links::OfRootAndUs,
                      .missing = WalkPolicy::Missing::Left,
                      .refusal = Code::Failed,
                      .root = root};
    const auto resolved = walkPath(std::move(parts), policy).text();  // what is missing is made later, by us
    if (!resolved) refuse("leads through a symlink to what does not exist");
    if (resolved->empty()) refuse("must be below /");
    return *resolved;
}

bool isWithin(const std::string& path, const std::string& directory) {
    return path == directory || path.starts_with(directory + "/");
}

bool isRepositoryName(const std::string& name) {
    return !name.empty() && name.size() <= 255 && isPlain(name.front()) &&
           std::ranges::all_of(name, [](char c) { return isPlain(c) || c == '-' || c == '.'; });
}

std::string repositoryLabel(const std::string& name) {
    if (std::ranges::all_of(name, isPlain)) return name;
    std::string label;
    for (const char c : name) {
        if (isAsciiAlphanumeric(c) && !(isAsciiDigit(c) && label.empty())) {
            label += c;
        } else {
            const auto byte = static_cast<std::uint8_t>(c);
            label += "_" + toHex({&byte, 1});
        }
    }
    return label;
}

}  // namespace northstar
