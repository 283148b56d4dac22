// SPDX-License-Identifier: Apache-2.0
// Text for those that take nothing but UTF-8 (D-Bus, TOML), from bytes that may be anything (paths).
#pragma once

#include <cstddef>
#include <string>

namespace northstar {

// Length of the well-formed UTF-8 sequence that begins at text[at], 0 if there is none (RFC 3629).
[[nodiscard]] std::size_t utf8SequenceLength(const std::string& text, std::size_t at);

// The same text if it is UTF-8; bytes that are not become "\xNN".
[[nodiscard]] std::string toUtf8(const std::string& text);

}  // namespace northstar
