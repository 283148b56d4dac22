// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <cstring>

namespace northstar {
namespace {

constexpr std::size_t kMaxPrintable = 200;

// Length of the well-formed UTF-8 sequence at text[at], 0 if there is none (RFC 3629).
std::size_t sequenceLength(const std::string& text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(at);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length == 0 || at + length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(at + i) & 0xc0) != 0x80) return 0;
    }
    if (lead == 0xe0 && byte(at + 1) < 0xa0) return 0;   // overlong
    if (lead == 0xed && byte(at + 1) >= 0xa0) return 0;  // surrogates
    if (lead == 0xf0 && byte(at + 1) < 0x90) return 0;   // overlong
    if (lead == 0xf4 && byte(at + 1) >= 0x90) return 0;  // beyond U+10FFFF
    if (lead == 0xc2 && byte(at + 1) < 0xa0) return 0;   // C1 controls
    return length;
}

}  // namespace

std::string errnoText(int error) {
    const char* symbol = ::strerrorname_np(error);
    const char* description = ::strerrordesc_np(error);
    if (symbol == nullptr || description == nullptr) return "error " + std::to_string(error);
    return std::string{description} + " (" + symbol + ")";
}

void throwErrno(Code code, const std::string& what, int error) {
    throw Error{code, what + ": " + errnoText(error)};
}

std::string printable(const std::string& text) {
    std::string line;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = sequenceLength(text, at);
        if (line.size() + length > kMaxPrintable) return line + "...";
        const auto byte = static_cast<unsigned char>(text[at]);
        if (length == 0 || (length == 1 && (byte < 0x20 || byte == 0x7f))) {
            line += '?';
            ++at;
        } else {
            line.append(text, at, length);
            at += length;
        }
    }
    return line;
}

}  // namespace northstar
