// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include "base/hex.h"

namespace northstar {
namespace {

// Of one well-formed sequence.
char32_t codePoint(std::string_view sequence) {
    const auto lead = static_cast<unsigned char>(sequence[0]);
    if (sequence.size() == 1) return lead;
    char32_t point = lead & (0x7fU >> sequence.size());
    for (const char byte : sequence.substr(1)) point = point << 6U | (static_cast<unsigned char>(byte) & 0x3fU);
    return point;
}

// Unicode: general categories Cc, Zl and Zp, and the property Bidi_Control.
bool isControl(char32_t point) {
    constexpr std::pair<char32_t, char32_t> kRanges[] = {{0x00, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},
                                                         {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}};
    return std::ranges::any_of(kRanges, [point](const auto& r) { return r.first <= point && point <= r.second; });
}

}  // namespace

std::size_t utf8SequenceLength(const std::string& text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(at);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length == 0 || at + length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(at + i) & 0xc0) != 0x80) return 0;
    }
    if (lead == 0xe0 && byte(at + 1) < 0xa0) return 0;   // overlong
    if (lead == 0xed && byte(at + 1) >= 0xa0) return 0;  // surrogates
    if (lead == 0xf0 && byte(at + 1) < 0x90) return 0;   // overlong
    if (lead == 0xf4 && byte(at + 1) >= 0x90) return 0;  // beyond U+10FFFF
    return length;
}

std::size_t plainSequenceLength(const std::string& text, std::size_t at) {
    const std::size_t length = utf8SequenceLength(text, at);
    return length > 0 && isControl(codePoint({text.data() + at, length})) ? 0 : length;
}

bool hasControls(const std::string& text) {
    for (std::size_t at = 0, length = 0; at < text.size(); at += length) {
        length = plainSequenceLength(text, at);
        if (length == 0) return true;
    }
    return false;
}

std::string plainText(const std::string& text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = plainSequenceLength(text, at);
        const bool markup = text[at] == '<' || text[at] == '>' || text[at] == '&';
        plain += length > 0 && !markup ? text.substr(at, length) : "?";
        at += std::max<std::size_t>(length, 1);
    }
    return plain;
}

std::string toUtf8(const std::string& text) {
    std::string valid;
    for (std::size_t at = 0; at < text.size();) {
        if (const std::size_t length = utf8SequenceLength(text, at); length > 0) {
            valid.append(text, at, length);
            at += length;
        } else {
            const auto byte = static_cast<std::uint8_t>(text[at++]);
            valid += "\\x" + toHex({&byte, 1});
        }
    }
    return valid;
}

}  // namespace northstar
