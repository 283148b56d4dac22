// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include "base/hex.h"

namespace northstar {

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
