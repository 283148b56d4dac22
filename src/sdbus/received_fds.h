// SPDX-License-Identifier: Apache-2.0
// The descriptors that arrive with messages. sd-bus closes them on the bus thread when it is done with the message, and
// the close of a caller's file takes as long as the caller likes (base/slow_close.h). So sd-bus never sees them: in
// what it receives, each is replaced by a stand-in that is harmless to close.
#pragma once

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/std.h"
#include "base/unique_fd.h"

namespace northstar::bus {

// One for the thread that reads the bus, while it lives. What has arrived is kept until it is taken; what has not been
// taken when sd-bus closes its stand-in goes to SlowClose.
class ReceivedFds {
public:
    // Of the bus thread. Throws Failed.
    ReceivedFds();
    ~ReceivedFds();
    ReceivedFds(const ReceivedFds&) = delete;
    ReceivedFds& operator=(const ReceivedFds&) = delete;

    // The descriptor that arrived in this one's place; a duplicate of `standIn` if it is none. Invalid: errno says why.
    [[nodiscard]] static UniqueFd take(int standIn);

    // Of the thread that asks; null if it has none.
    [[nodiscard]] static ReceivedFds* ofThisThread() noexcept;

    // As recvmsg(2), which cuts off what the table of descriptors has no room for (MSG_CTRUNC), and sd-bus takes that
    // for the end of the bus: so some descriptors are kept back from everybody else.
    ssize_t receive(int socket, msghdr& message, int flags);

    // After a message was processed.
    void sweep();

    // A stand-in for a descriptor that has arrived; the descriptor itself if none can be made.
    int replace(int fd);

private:
    class WithReserve;
    UniqueFd harmless_;  // stand-ins are duplicates of it
    ino_t inode_ = 0;    // of what it is a descriptor of
    dev_t device_ = 0;
    std::map<int, UniqueFd> arrived_;  // by stand-in
    rlimit limit_{};                   // for all that is not received here
    bool reserved_ = false;
};

}  // namespace northstar::bus
