// SPDX-License-Identifier: Apache-2.0
// Text as it may be printed: on one line, of a known width, in the colours that were asked for; and JSON of it.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/std.h"

namespace northstar::cli {

// One line of any length: what would move a terminal's cursor, start an escape sequence, or change the direction of
// text becomes '?', a '?' for each byte that is no UTF-8.
[[nodiscard]] std::string plain(const std::string& text);

// How many columns of a terminal a text from plain() takes: 2 for a wide character, 0 for one that combines.
[[nodiscard]] std::size_t width(const std::string& text);

// Edits until two words are the same: insertions, deletions, replacements.
[[nodiscard]] std::size_t distance(std::string_view one, std::string_view other);

// Local time, "2026-11-25 12:30:00"; `since`: microseconds since the epoch.
[[nodiscard]] std::string localTime(std::uint64_t since);

// Bytes for people, in powers of 1000: "44.7 kB".
[[nodiscard]] std::string bytesText(std::uint64_t bytes);

// "1 mount", "2 mounts".
[[nodiscard]] std::string counted(std::size_t number, const std::string& what);

// JSON on one line, or indented by two. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string dump(const nlohmann::ordered_json& json, int indent = -1);

enum class Color { None, Red, Yellow, Green };

// Colours for standard output.
class Palette {
public:
    // mode: "always", "never", or "auto": on a terminal, unless NO_COLOR is set and not empty (https://no-color.org)
    // or TERM is dumb.
    explicit Palette(const std::string& mode);
    [[nodiscard]] std::string paint(Color color, const std::string& text) const;

private:
    bool on_;
};

}  // namespace northstar::cli
