// SPDX-License-Identifier: Apache-2.0
// Numbers that come from outside: digits that are more than a number, and 64-bit arithmetic that overflows, have an
// answer of their own.
#pragma once

#include <charconv>
#include <system_error>

#include "base/std.h"

namespace northstar {

// nullopt unless the whole text is one number that fits.
template <typename Number>
[[nodiscard]] std::optional<Number> parseNumber(std::string_view text, int base = 10) noexcept {
    Number number{};
    const char* end = text.data() + text.size();
    const auto [parsed, failure] = std::from_chars(text.data(), end, number, base);
    if (failure != std::errc{} || parsed != end) return std::nullopt;
    return number;
}

[[nodiscard]] inline std::optional<std::uint64_t> checkedAdd(std::uint64_t a, std::uint64_t b) noexcept {
    std::uint64_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
    return sum;
}

[[nodiscard]] inline std::optional<std::uint64_t> checkedMul(std::uint64_t a, std::uint64_t b) noexcept {
    std::uint64_t product = 0;
    if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
    return product;
}

// A run of bytes inside a file, in bytes.
struct Extent {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;

    bool operator==(const Extent&) const = default;

    // Does the whole run lie inside a file of this many bytes?
    [[nodiscard]] bool within(std::uint64_t fileSize) const noexcept {
        return offset <= fileSize && size <= fileSize - offset;
    }
};

}  // namespace northstar
