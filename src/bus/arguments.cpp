// SPDX-License-Identifier: Apache-2.0
#include "bus/arguments.h"

#include "base/error.h"

namespace northstar::bus {
namespace {

constexpr std::size_t kMostItems = 4096, kMostBytes = 256 * 1024;

}  // namespace

void refuseLong(const std::string& text) {
    if (text.size() <= kMostBytes) return;
    throw Error{Code::InvalidArgs, printable(text.substr(0, 40)) + "... is too long: " + std::to_string(text.size()) +
                                       " bytes, of at most " + std::to_string(kMostBytes)};
}

void refuseLong(const std::vector<std::string>& items) {
    std::size_t bytes = 0;
    for (const std::string& item : items) bytes += item.size();
    if (items.size() <= kMostItems && bytes <= kMostBytes) return;
    throw Error{Code::LimitsExceeded, "A call may name at most " + std::to_string(kMostItems) + " items with " +
                                          std::to_string(kMostBytes) + " bytes, not " + std::to_string(items.size()) +
                                          " with " + std::to_string(bytes) + "; split it"};
}

}  // namespace northstar::bus
