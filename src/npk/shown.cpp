// SPDX-License-Identifier: Apache-2.0
#include "npk/shown.h"

#include "base/utf8.h"

namespace northstar::npk {

std::string shown(const std::string& text) {
    std::string line;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t plain = plainSequenceLength(text, at);
        line += plain > 0 ? text.substr(at, plain) : "?";
        at += std::max<std::size_t>(plain, 1);
    }
    return line;
}

}  // namespace northstar::npk
