// SPDX-License-Identifier: Apache-2.0
#include "config/repository_name.h"

#include "base/hex.h"

namespace northstar {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLetter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool isPlain(char c) { return isDigit(c) || isLetter(c) || c == '_'; }

}  // namespace

bool isRepositoryName(const std::string& name) {
    return !name.empty() && name.size() <= 255 && isPlain(name.front()) &&
           std::ranges::all_of(name, [](char c) { return isPlain(c) || c == '-' || c == '.'; });
}

std::string repositoryLabel(const std::string& name) {
    if (std::ranges::all_of(name, isPlain)) return name;
    std::string label;
    for (const char c : name) {
        if (isLetter(c) || (isDigit(c) && !label.empty())) {
            label += c;
        } else {
            const auto byte = static_cast<std::uint8_t>(c);
            label += "_" + toHex(std::span{&byte, 1});
        }
    }
    return label;
}

}  // namespace northstar
