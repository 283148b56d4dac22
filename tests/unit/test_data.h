// SPDX-License-Identifier: Apache-2.0
// Where the committed test data lies.
#pragma once

#include <fcntl.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "base/unique_fd.h"

namespace northstar::test {

// dataPath("signed/fonts-2.3.4.npk"): in $NORTHSTAR_TEST_DATA, else in the source tree that the tests were
// built from.
inline std::string dataPath(const std::string& relative) {
    const char* folder = std::getenv("NORTHSTAR_TEST_DATA");
    return std::string{folder != nullptr ? folder : NORTHSTAR_TEST_DATA_DIR} + "/" + relative;
}

inline UniqueFd openData(const std::string& relative) {
    UniqueFd fd{::open(dataPath(relative).c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd) throw std::runtime_error{"cannot open " + dataPath(relative)};
    return fd;
}

inline std::string readData(const std::string& relative) {
    std::ifstream file{dataPath(relative), std::ios::binary};
    if (!file) throw std::runtime_error{"cannot open " + dataPath(relative)};
    return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace northstar::test
