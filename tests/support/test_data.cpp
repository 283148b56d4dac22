// SPDX-License-Identifier: Apache-2.0
#include "support/test_data.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <stdexcept>

#include "support/paths.h"
#include "support/temporary_directory.h"

namespace northstar::test {

namespace {

std::string sourceOf(const std::string& relative) {
    const char* folder = std::getenv("NORTHSTAR_TEST_DATA");
    return (folder != nullptr ? std::string{folder} : std::string{kSourceDir} + "/tests/data") + "/" + relative;
}

// The source tree may be anybody's, and whoever shares it may write there: a key has to be ours alone.
std::string ownCopy(const std::string& relative) {
    static const TemporaryDirectory directory;
    static std::mutex mutex;
    const std::lock_guard lock{mutex};
    std::string name = relative;
    std::ranges::replace(name, '/', '-');
    if (std::filesystem::exists(directory / name)) return directory / name;
    std::ifstream file{sourceOf(relative), std::ios::binary};
    if (!file) throw std::runtime_error{"cannot open " + sourceOf(relative)};
    return directory.write(name, {std::istreambuf_iterator<char>{file}, {}});
}

}  // namespace

std::string dataPath(const std::string& relative) {
    return relative.ends_with(".pub") ? ownCopy(relative) : sourceOf(relative);
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
