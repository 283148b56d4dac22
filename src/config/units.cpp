// SPDX-License-Identifier: Apache-2.0
#include "config/units.h"

#include "base/checked.h"
#include "base/utf8.h"

namespace northstar {
namespace {

constexpr std::uint64_t kDay = 24 * 3'600'000ULL;  // milliseconds

// Digits, and perhaps others behind a point.
struct Number {
    std::string_view whole, fraction;
};

std::string_view takeWhile(std::string_view& text, bool (*belongs)(char)) {
    const auto end = std::ranges::find_if_not(text, belongs);
    const std::string_view taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(taken.size());
    return taken;
}

bool isLetter(char c) { return isAsciiAlphanumeric(c) && !isAsciiDigit(c); }

void skipSpaces(std::string_view& text) {
    takeWhile(text, [](char c) { return c == ' '; });
}

std::optional<Number> takeNumber(std::string_view& text) {
    Number number{takeWhile(text, isAsciiDigit), {}};
    if (number.whole.empty()) return std::nullopt;
    if (!text.starts_with('.')) return number;
    text.remove_prefix(1);
    number.fraction = takeWhile(text, isAsciiDigit);
    if (number.fraction.empty()) return std::nullopt;
    return number;
}

// The number times the factor, at most 2^60, cut off to a whole one. From its last digit on, the fraction is
// (digit * factor + rest) / 10: cutting off in each step gives the same as in the last one alone.
std::optional<std::uint64_t> times(const Number& number, std::uint64_t factor) {
    const auto whole = parseNumber<std::uint64_t>(number.whole);
    if (!whole) return std::nullopt;
    std::uint64_t part = 0;
    for (auto digit = number.fraction.rbegin(); digit != number.fraction.rend(); ++digit) {
        part = (static_cast<std::uint64_t>(*digit - '0') * factor + part) / 10;
    }
    const auto product = checkedMul(*whole, factor);
    return product ? checkedAdd(*product, part) : std::nullopt;
}

std::optional<std::uint64_t> millisecondsIn(std::string_view unit) {
    using Names = std::vector<std::string_view>;
    static const std::vector<std::pair<std::uint64_t, Names>> kUnits{
        {1, {"ms", "msec"}},
        {1000, {"s", "sec", "second", "seconds"}},
        {60'000, {"m", "min", "minute", "minutes"}},
        {3'600'000, {"h", "hr", "hour", "hours"}},
        {kDay, {"d", "day", "days"}},
    };
    for (const auto& [milliseconds, names] : kUnits) {
        if (std::ranges::find(names, unit) != names.end()) return milliseconds;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> bytesIn(std::string_view unit) {
    std::string letters;
    for (const char c : unit) letters += c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    if (letters.ends_with('B')) letters.pop_back();
    if (letters.empty()) return 1;
    const std::size_t power = std::string_view{"KMGTPE"}.find(letters.front());
    if (power == std::string_view::npos) return std::nullopt;
    letters.erase(0, 1);
    if (!letters.empty() && letters != "I") return std::nullopt;
    std::uint64_t bytes = 1;
    for (std::size_t i = 0; i <= power; ++i) bytes *= letters.empty() ? 1000 : 1024;
    return bytes;
}

}  // namespace

std::optional<std::chrono::milliseconds> parseDuration(std::string_view text) {
    std::uint64_t total = 0;
    do {
        const auto number = takeNumber(text);
        skipSpaces(text);
        const auto unit = millisecondsIn(takeWhile(text, isLetter));
        const auto part = number && unit ? times(*number, *unit) : std::nullopt;
        if (!part || *part > kDay - total) return std::nullopt;
        total += *part;
        skipSpaces(text);
    } while (!text.empty());
    return std::chrono::milliseconds{static_cast<std::int64_t>(total)};
}

std::optional<std::uint64_t> parseSize(std::string_view text) {
    const auto number = takeNumber(text);
    skipSpaces(text);
    const auto unit = bytesIn(takeWhile(text, isLetter));
    if (!number || !unit || !text.empty()) return std::nullopt;
    if (*unit == 1 && !number->fraction.empty()) return std::nullopt;
    return times(*number, *unit);
}

}  // namespace northstar
