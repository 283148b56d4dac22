// SPDX-License-Identifier: Apache-2.0
// A file that takes long to close.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include "base/unique_fd.h"

namespace northstar::test {

// A connection whose last close() waits for `linger` seconds: socket(7), SO_LINGER; its peer does not read.
class LingeringSocket {
public:
    explicit LingeringSocket(int linger)
        : listener_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)},
          socket_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
        EXPECT_EQ(listen(listener_.get(), 1), 0);
        EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
        EXPECT_EQ(connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
        const ::linger waiting{.l_onoff = 1, .l_linger = linger};
        EXPECT_EQ(setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &waiting, sizeof waiting), 0);
        const std::string data(1 << 16, 'x');
        while (send(socket_.get(), data.data(), data.size(), MSG_DONTWAIT) > 0) {}
    }
    [[nodiscard]] int get() const { return socket_.get(); }
    void letGo() { socket_.reset(); }
    [[nodiscard]] UniqueFd release() { return std::move(socket_); }

private:
    UniqueFd listener_, socket_;
};

}  // namespace northstar::test
