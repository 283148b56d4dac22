// SPDX-License-Identifier: Apache-2.0
// Any bytes as the output of unsquashfs, which has the names of a hostile image in it: each line that is printed is one
// line without controls.
#include <algorithm>
#include <sstream>
#include <string>

#include "base/error.h"
#include "base/utf8.h"
#include "fuzz/require.h"
#include "npk/listing.h"

using namespace northstar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{data, data + size};
    try {
        npk::Listing listing{size % 2 == 0 ? "" : "bin"};
        listing.addLines(std::string_view{text}.substr(0, size / 2));
        listing.addLines(std::string_view{text}.substr(size / 2));
        std::ostringstream out;
        const bool any = listing.print(out);
        const std::string printed = out.str();
        require(any == !printed.empty());
        std::istringstream lines{printed};
        for (std::string line; std::getline(lines, line);) {
            require(!hasControls(line) && line.find(" /") != std::string::npos);
        }
        require(std::ranges::count(printed, '\n') <= std::ranges::count(text, '\n'));
    } catch (const Error& error) {
        require(error.code() == Code::Failed);
    }
    return 0;
}
