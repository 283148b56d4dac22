// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <fmt/format.h>
#include <string.h>

#include <cstring>

#include "base/utf8.h"

namespace northstar {

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

void throwErrno(Code code, const std::string& what, int error) {
    throw Error{code, fmt::format("{}: {}", what, errnoText(error))};
}

std::string printable(const std::string& text) {
    constexpr std::size_t kMaxPrintable = 200;
    std::string line;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t plain = plainSequenceLength(text, at);
        const std::size_t length = std::max<std::size_t>(plain, 1);
        if (line.size() + length > kMaxPrintable) return line + "...";
        line += plain > 0 ? text.substr(at, length) : "?";
        at += length;
    }
    return line;
}

}  // namespace northstar
