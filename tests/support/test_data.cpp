// SPDX-License-Identifier: Apache-2.0
#include "support/test_data.h"

#include <fcntl.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "support/paths.h"

namespace northstar::test {

std::string dataPath(const std::string& relative) {
    const char* folder = std::getenv("NORTHSTAR_TEST_DATA");
    return (folder != nullptr ? std::string{folder} : std::string{kSourceDir} + "/tests/data") + "/" + relative;
}

UniqueFd openData(const std::string& relative) {
    UniqueFd fd{::open(dataPath(relative).c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd) throw std::runtime_error{"cannot open " + dataPath(relative)};
    return fd;
}

std::string readData(const std::string& relative) {
    std::ifstream file{dataPath(relative), std::ios::binary};
    if (!file) throw std::runtime_error{"cannot open " + dataPath(relative)};
    return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace northstar::test
