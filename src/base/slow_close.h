// SPDX-License-Identifier: Apache-2.0
// Closes descriptors that somebody else handed over. close(2) of such a file takes as long as its owner likes: it waits
// for the server of a FUSE file to answer FLUSH, and for a socket's unsent data if SO_LINGER is set. Nothing ends it.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <deque>
#include <mutex>

#include "base/std.h"
#include "base/unique_fd.h"

namespace northstar {

class SlowClose {
public:
    // One for the process, for ever: a thread of it may not end before the process does.
    [[nodiscard]] static SlowClose& instance();

    // Returns at once. `owner`: whose file it is: one whose files are slow keeps those of others from nothing, since
    // each has threads of its own, up to kThreads of them, and its files wait for each other. Any thread.
    void close(UniqueFd fd, uid_t owner);

    static constexpr std::size_t kThreads = 8;                // for one owner
    static constexpr uid_t kNobody = static_cast<uid_t>(-1);  // whose file it is is not known

private:
    struct Owner {
        std::deque<UniqueFd> waiting{};
        std::size_t threads = 0;
        std::size_t idle = 0;
        std::condition_variable more{};
    };
    void work(uid_t owner);

    std::mutex mutex_;
    std::map<uid_t, Owner> owners_;
};

// A caller's descriptor. SlowClose closes it, wherever it is let go of.
class CallerFd {
public:
    CallerFd() noexcept = default;
    explicit CallerFd(UniqueFd fd) noexcept : fd_{std::move(fd)} {}
    CallerFd(CallerFd&&) noexcept = default;
    CallerFd& operator=(CallerFd&& other) noexcept {
        std::swap(fd_, other.fd_);
        std::swap(owner_, other.owner_);
        return *this;
    }
    CallerFd(const CallerFd&) = delete;
    CallerFd& operator=(const CallerFd&) = delete;
    ~CallerFd() { SlowClose::instance().close(std::move(fd_), owner_); }

    [[nodiscard]] int get() const noexcept { return fd_.get(); }
    void setOwner(uid_t owner) noexcept { owner_ = owner; }

private:
    UniqueFd fd_;
    uid_t owner_ = SlowClose::kNobody;
};

}  // namespace northstar
