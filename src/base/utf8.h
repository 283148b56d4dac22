// SPDX-License-Identifier: Apache-2.0
// Text for those that take nothing but UTF-8 (D-Bus, TOML), from bytes that may be anything (paths).
#pragma once

#include "base/std.h"

namespace northstar {

// Of ASCII: what has no place in one line of text. In UTF-8 no byte of a longer sequence is one.
[[nodiscard]] constexpr bool isAsciiControl(char c) noexcept { return (c >= 0 && c < 0x20) || c == 0x7f; }

[[nodiscard]] constexpr bool isAsciiDigit(char c) noexcept { return c >= '0' && c <= '9'; }

[[nodiscard]] constexpr bool isAsciiAlphanumeric(char c) noexcept {
    return isAsciiDigit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// Length of the well-formed UTF-8 sequence that begins at text[at], 0 if there is none (RFC 3629).
[[nodiscard]] std::size_t utf8SequenceLength(const std::string& text, std::size_t at);

// Is there anything that makes a text look like another one or like several lines: control characters (C0, DEL, C1),
// line and paragraph separators, marks that change the direction of text, or what is no UTF-8? A person reads names and
// paths before they agree.
[[nodiscard]] bool hasControls(const std::string& text);

// Length of the sequence that begins at text[at], 0 if there is none or it is one of those.
[[nodiscard]] std::size_t plainSequenceLength(const std::string& text, std::size_t at);

// Of any length: what hasControls() tells of, and what some programs take for markup (<, >, &), become '?'.
[[nodiscard]] std::string plainText(const std::string& text);

// The same text if it is UTF-8; bytes that are not become "\xNN".
[[nodiscard]] std::string toUtf8(const std::string& text);

}  // namespace northstar
