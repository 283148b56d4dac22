// SPDX-License-Identifier: Apache-2.0
// An owned file descriptor.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "base/std.h"

namespace northstar {

class UniqueFd {
public:
    UniqueFd() noexcept = default;
    explicit UniqueFd(int fd) noexcept : fd_{fd} {}
    UniqueFd(UniqueFd&& other) noexcept : fd_{other.release()} {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    explicit operator bool() const noexcept { return fd_ >= 0; }

    // Closes what was held. The result of close() is ignored: on Linux the descriptor is gone either way.
    void reset(int fd = -1) noexcept {
        if (fd_ >= 0) ::close(fd_);
        fd_ = fd;
    }

private:
    int fd_ = -1;
};

// A second descriptor of the same open file, close-on-exec and none of the three standard ones: fcntl(2),
// F_DUPFD_CLOEXEC. Empty, with errno, if there can be none.
[[nodiscard]] inline UniqueFd duplicateFd(int fd) noexcept { return UniqueFd{::fcntl(fd, F_DUPFD_CLOEXEC, 3)}; }

}  // namespace northstar
