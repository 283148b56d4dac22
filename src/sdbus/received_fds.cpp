// SPDX-License-Identifier: Apache-2.0
#include "sdbus/received_fds.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "base/error.h"
#include "base/slow_close.h"

namespace northstar::bus {
namespace {

thread_local ReceivedFds* current = nullptr;

// Of descriptors: 16 for a message, as the buses have it, come with as many stand-ins; other threads take some while
// there are so many more.
constexpr rlim_t kReserve = 128;

// Of the control messages, those that bring descriptors: unix(7), SCM_RIGHTS.
void replaceAll(const msghdr& message, ReceivedFds& received) {
    auto* const all = const_cast<msghdr*>(&message);  // CMSG_NXTHDR() takes no other
    for (cmsghdr* control = CMSG_FIRSTHDR(all); control != nullptr; control = CMSG_NXTHDR(all, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
        unsigned char* const data = CMSG_DATA(control);
        for (std::size_t at = 0; at + sizeof(int) <= control->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
            int fd = -1;
            std::memcpy(&fd, data + at, sizeof fd);
            fd = received.replace(fd);
            std::memcpy(data + at, &fd, sizeof fd);
        }
    }
}

}  // namespace

// Descriptors beyond the soft limit are there for nobody else.
class ReceivedFds::WithReserve {
public:
    explicit WithReserve(const rlimit& limit) : low_{limit} {
        rlimit high = limit;
        high.rlim_cur += kReserve;
        setrlimit(RLIMIT_NOFILE, &high);
    }
    ~WithReserve() { setrlimit(RLIMIT_NOFILE, &low_); }
    WithReserve(const WithReserve&) = delete;
    WithReserve& operator=(const WithReserve&) = delete;

private:
    const rlimit& low_;
};

ReceivedFds::ReceivedFds() : harmless_{memfd_create("northstar-stand-in", MFD_CLOEXEC)} {
    struct stat status{};
    if (!harmless_ || fstat(harmless_.get(), &status) != 0) {
        throwErrno(Code::Failed, "Cannot make a file that stands in for callers' descriptors", errno);
    }
    inode_ = status.st_ino;
    device_ = status.st_dev;
    if (getrlimit(RLIMIT_NOFILE, &limit_) == 0 && limit_.rlim_cur > 2 * kReserve) {
        limit_.rlim_cur -= kReserve;
        reserved_ = setrlimit(RLIMIT_NOFILE, &limit_) == 0;
    }
    current = this;
}

ReceivedFds* ReceivedFds::ofThisThread() noexcept { return current; }

ssize_t ReceivedFds::receive(int socket, msghdr& message, int flags) {
    std::optional<WithReserve> reserve;
    if (reserved_) reserve.emplace(limit_);
    const ssize_t received = syscall(SYS_recvmsg, socket, &message, flags);
    if (received >= 0) replaceAll(message, *this);
    return received;
}

ReceivedFds::~ReceivedFds() {
    current = nullptr;
    if (reserved_) {
        limit_.rlim_cur += kReserve;
        setrlimit(RLIMIT_NOFILE, &limit_);
    }
    for (auto& [standIn, fd] : arrived_) SlowClose::instance().close(std::move(fd), SlowClose::kNobody);
}

UniqueFd ReceivedFds::take(int standIn) {
    if (current != nullptr) {
        auto found = current->arrived_.extract(standIn);
        if (!found.empty()) return std::move(found.mapped());
    }
    return duplicateFd(standIn);
}

int ReceivedFds::replace(int fd) {
    UniqueFd standIn = duplicateFd(harmless_.get());
    const int place = standIn ? standIn.release() : fd;
    // The stand-in that had this number before is closed, and what it stood for was not taken.
    if (auto stale = arrived_.extract(place); !stale.empty()) {
        SlowClose::instance().close(std::move(stale.mapped()), SlowClose::kNobody);
    }
    if (place != fd) arrived_.emplace(place, UniqueFd{fd});
    return place;
}

void ReceivedFds::sweep() {
    for (auto it = arrived_.begin(); it != arrived_.end();) {
        struct stat status{};
        const bool open = fstat(it->first, &status) == 0 && status.st_ino == inode_ && status.st_dev == device_;
        if (!open) SlowClose::instance().close(std::move(it->second), SlowClose::kNobody);
        it = open ? std::next(it) : arrived_.erase(it);
    }
}

}  // namespace northstar::bus

// sd-bus has no hook for what it receives, and takes any error but EAGAIN for the end of the bus. But it calls the
// functions below, which take the place of the C library's in the whole program (ld.so(8): the program's symbols come
// first). Other threads get what they always do.

using northstar::bus::ReceivedFds;

namespace {

// What is short now may be there in a moment: sd-bus tries again after the next poll, which does not wait.
ssize_t orTryAgain(ssize_t result, bool isShort) {
    if (result >= 0 || !isShort) return result;
    const timespec moment{0, 1'000'000};
    nanosleep(&moment, nullptr);
    errno = EAGAIN;
    return result;
}

}  // namespace

extern "C" ssize_t recvmsg(int socket, msghdr* message, int flags) {
    ReceivedFds* const bus = ReceivedFds::ofThisThread();
    if (bus == nullptr) return syscall(SYS_recvmsg, socket, message, flags);
    const ssize_t received = bus->receive(socket, *message, flags);
    return orTryAgain(received, errno == ENOMEM);  // ENOBUFS tells a netlink socket of messages that were lost
}

extern "C" ssize_t sendmsg(int socket, const msghdr* message, int flags) {
    const ssize_t sent = syscall(SYS_sendmsg, socket, message, flags);
    if (ReceivedFds::ofThisThread() == nullptr) return sent;
    return orTryAgain(sent, errno == ENOMEM || errno == ENOBUFS);
}
