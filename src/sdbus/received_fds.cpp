// SPDX-License-Identifier: Apache-2.0
#include "sdbus/received_fds.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <iterator>

#include "base/error.h"
#include "base/slow_close.h"

namespace northstar::bus {
namespace {

thread_local ReceivedFds* current = nullptr;

}  // namespace

ReceivedFds::ReceivedFds() : harmless_{memfd_create("northstar-stand-in", MFD_CLOEXEC)} {
    struct stat status{};
    if (!harmless_ || fstat(harmless_.get(), &status) != 0) {
        throwErrno(Code::Failed, "Cannot make a file that stands in for callers' descriptors", errno);
    }
    inode_ = status.st_ino;
    device_ = status.st_dev;
    current = this;
}

ReceivedFds::~ReceivedFds() {
    current = nullptr;
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

namespace {

// Of the control messages, those that bring descriptors: unix(7), SCM_RIGHTS.
void replaceAll(msghdr* message) {
    for (cmsghdr* control = CMSG_FIRSTHDR(message); control != nullptr; control = CMSG_NXTHDR(message, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
        unsigned char* const data = CMSG_DATA(control);
        for (std::size_t at = 0; at + sizeof(int) <= control->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
            int fd = -1;
            std::memcpy(&fd, data + at, sizeof fd);
            fd = current->replace(fd);
            std::memcpy(data + at, &fd, sizeof fd);
        }
    }
}

}  // namespace
}  // namespace northstar::bus

// sd-bus has no hook for what it receives, but it calls this function, which takes the place of the C library's in the
// whole program (ld.so(8): the program's symbols come first).
extern "C" ssize_t recvmsg(int socket, msghdr* message, int flags) {
    const ssize_t received = syscall(SYS_recvmsg, socket, message, flags);
    if (received >= 0 && northstar::bus::current != nullptr) northstar::bus::replaceAll(message);
    return received;
}
