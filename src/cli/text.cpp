// SPDX-License-Identifier: Apache-2.0
#include "cli/text.h"

#include <fmt/format.h>
#include <unistd.h>
#include <wchar.h>

#include <clocale>
#include <cstdlib>
#include <ctime>
#include <cwchar>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/utf8.h"

namespace northstar::cli {
namespace {

// The character of a well-formed sequence (RFC 3629, 3).
wchar_t decode(std::string_view sequence) {
    const auto first = static_cast<unsigned char>(sequence.front());
    if (sequence.size() == 1) return static_cast<wchar_t>(first);
    std::uint32_t character = first & (0x7FU >> sequence.size());
    for (const char next : sequence.substr(1)) character = character << 6 | (static_cast<unsigned char>(next) & 0x3FU);
    return static_cast<wchar_t>(character);
}

}  // namespace

std::string plain(const std::string& text) {
    std::string line;
    for (std::size_t at = 0; at < text.size();) {
        if (const auto length = plainSequenceLength(text, at); length > 0) {
            line.append(text, at, length);
            at += length;
        } else {
            line += '?';
            at += std::max<std::size_t>(1, utf8SequenceLength(text, at));
        }
    }
    return line;
}

std::size_t width(const std::string& text) {
    // Of wcwidth(3) alone, and UTF-8 whatever the user's locale: glibc has this one built in.
    [[maybe_unused]] static const char* const locale = std::setlocale(LC_CTYPE, "C.UTF-8");
    std::size_t columns = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto length = std::max<std::size_t>(1, utf8SequenceLength(text, at));
        const int wide = wcwidth(decode(std::string_view{text}.substr(at, length)));
        columns += wide < 0 ? 1 : static_cast<std::size_t>(wide);
        at += length;
    }
    return columns;
}

std::size_t distance(std::string_view one, std::string_view other) {
    std::vector<std::size_t> row(other.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (std::size_t i = 0; i < one.size(); ++i) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 0; j < other.size(); ++j) {
            const std::size_t replaced = diagonal + (one[i] == other[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
        }
    }
    return row.back();
}

std::string localTime(std::uint64_t since) {
    const auto seconds = static_cast<std::time_t>(since / 1'000'000);
    std::tm parts{};
    std::array<char, 32> text{};
    if (localtime_r(&seconds, &parts) == nullptr) return "?";
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts)};
}

std::string bytesText(std::uint64_t bytes) {
    if (bytes < 1000) return fmt::format("{} B", bytes);
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    constexpr std::array kUnits{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    for (; value >= 999.95 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
    return fmt::format("{:.1f} {}", value, kUnits.at(unit));
}

std::string counted(std::size_t number, const std::string& what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

std::string dump(const nlohmann::ordered_json& json, int indent) {
    return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Palette::Palette(const std::string& mode) : on_{mode == "always"} {
    if (mode != "auto") return;
    const char* refused = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    on_ = isatty(STDOUT_FILENO) == 1 && (refused == nullptr || *refused == '\0') && terminal != nullptr &&
          std::string_view{terminal} != "dumb";
}

std::string Palette::paint(Color color, const std::string& text) const {
    if (!on_ || color == Color::None) return text;
    const int code = color == Color::Red ? 31 : color == Color::Yellow ? 33 : 32;  // ECMA-48, 8.3.117
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

}  // namespace northstar::cli
