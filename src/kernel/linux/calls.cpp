// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/calls.h"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <random>
#include <thread>

#include "base/error.h"
#include "base/unique_fd.h"

namespace northstar {

bool Backoff::pause() {
    thread_local std::minstd_rand random{std::random_device{}()};
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline_) return false;
    std::uniform_int_distribution<std::chrono::microseconds::rep> length{next_.count() / 2, next_.count()};
    std::this_thread::sleep_until(std::min(now + std::chrono::microseconds{length(random)}, deadline_));
    next_ = std::min(next_ * 2, longest_);
    return true;
}

std::optional<std::string> readLine(const std::string& path) {
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd && isShortage(errno)) throwErrno(Code::Failed, "reading " + path, errno);
    if (!fd) return std::nullopt;
    std::array<char, 4096> buffer{};  // an attribute is at most a page (kernel: sysfs.rst)
    const ssize_t length = ::read(fd.get(), buffer.data(), buffer.size());
    if (length < 0) return std::nullopt;
    std::string line{buffer.data(), static_cast<std::size_t>(length)};
    line.resize(std::min(line.find('\n'), line.size()));
    return line;
}

}  // namespace northstar
