// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <cstring>

#include "base/utf8.h"

namespace northstar {
namespace {

constexpr std::size_t kMaxPrintable = 200;

// As one character of a line: no C1 control (U+0080 to U+009F) either.
std::size_t sequenceLength(const std::string& text, std::size_t at) {
    const std::size_t length = utf8SequenceLength(text, at);
    const bool control = length == 2 && text[at] == '\xc2' && static_cast<unsigned char>(text[at + 1]) < 0xa0;
    return control ? 0 : length;
}

}  // namespace

bool hasCode(const std::exception_ptr& failure, Code code) {
    try {
        std::rethrow_exception(failure);
    } catch (const Error& error) {
        return error.code() == code;
    } catch (...) {
        return false;
    }
}

std::string errnoText(int error) {
    const char* symbol = ::strerrorname_np(error);
    const char* description = ::strerrordesc_np(error);
    if (symbol == nullptr || description == nullptr) return "error " + std::to_string(error);
    return std::string{description} + " (" + symbol + ")";
}

void throwErrno(Code code, const std::string& what, int error) { throw Error{code, what + ": " + errnoText(error)}; }

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
