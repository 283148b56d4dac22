// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/sysfs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace northstar {

std::optional<std::string> readLine(const std::string& path) {
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd) return std::nullopt;
    std::array<char, 4096> buffer{};  // an attribute is at most a page (kernel: sysfs.rst)
    const ssize_t length = ::read(fd.get(), buffer.data(), buffer.size());
    if (length < 0) return std::nullopt;
    std::string line{buffer.data(), static_cast<std::size_t>(length)};
    line.resize(std::min(line.find('\n'), line.size()));
    return line;
}

std::string sysfsPath(dev_t device) { return fmt::format("/sys/dev/block/{}:{}", major(device), minor(device)); }

}  // namespace northstar
