// SPDX-License-Identifier: Apache-2.0
// Clients that mean harm: what they send keeps neither the service nor others waiting.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>

#include "bus_test.h"
#include "support/lingering_socket.h"
#include "support/process.h"

namespace northstar::test {
namespace {

using namespace std::chrono_literals;

template <typename Action>
std::chrono::milliseconds durationOf(const Action& action) {
    const auto begin = std::chrono::steady_clock::now();
    action();
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
}

class HostileClientTest : public BusTest {
protected:
    // How long another client waits for its answer when the service is the last to close a socket that `send` has
    // handed over: it does not get to that before everybody else has.
    std::chrono::milliseconds answeredAfter(const std::function<void(int)>& send) {
        const auto other = newClient();
        EXPECT_TRUE(other->listMounts().empty());
        LingeringSocket socket{3};
        {
            const std::lock_guard held{door_};
            client().send(kRoot, kService, "ListMounts");
            send(socket.get());
            socket.letGo();
            static_cast<void>(newClient());  // the bus daemon has passed it on by now
        }
        return durationOf([&] { EXPECT_TRUE(other->listMounts().empty()); });
    }
};

TEST_F(HostileClientTest, ADescriptorThatIsSlowToCloseKeepsNobodyWaiting) {
    client();
    EXPECT_LT(answeredAfter([&](int fd) { client().send(kRoot, kService, "MountFd", sdbus::UnixFd{fd}, Options{}); }),
              1500ms);
}

TEST_F(HostileClientTest, ADescriptorThatNobodyAskedForKeepsNobodyWaiting) {
    client();
    const auto withMount = [&](int fd) {
        const Options options{{"x", sdbus::Variant{sdbus::UnixFd{fd}}}};
        client().send(kRoot, kService, "Mount", std::string{"hello"}, options);
    };
    EXPECT_LT(answeredAfter(withMount), 1500ms);
    EXPECT_LT(answeredAfter([&](int fd) { client().send(kRoot, kService, "NoSuchMethod", sdbus::UnixFd{fd}); }),
              1500ms);
}

TEST_F(HostileClientTest, ADescriptorThatNobodyAskedForIsClosed) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd read{ends[0]};
    UniqueFd write{ends[1]};
    client().send(kRoot, kService, "NoSuchMethod", sdbus::UnixFd{write.get()});
    EXPECT_TRUE(client().listMounts().empty());  // the service has seen it
    write.reset();
    pollfd closed{read.get(), POLLIN, 0};
    EXPECT_EQ(poll(&closed, 1, 5000), 1) << "somebody has the other end of the pipe";
}

// The program's table of descriptors, full but for what nobody gets.
class FullTable {
public:
    FullTable() {
        getrlimit(RLIMIT_NOFILE, &before_);
        rlimit few = before_;
        few.rlim_cur = std::min<rlim_t>(before_.rlim_cur, 600);
        setrlimit(RLIMIT_NOFILE, &few);
    }
    ~FullTable() {
        all_.clear();
        setrlimit(RLIMIT_NOFILE, &before_);
    }
    FullTable(const FullTable&) = delete;
    FullTable& operator=(const FullTable&) = delete;

    void fill() {
        for (;;) {
            UniqueFd fd{open("/dev/null", O_RDONLY | O_CLOEXEC)};
            if (!fd) return;
            all_.push_back(std::move(fd));
        }
    }
    void empty() { all_.clear(); }

private:
    rlimit before_{};
    std::vector<UniqueFd> all_;
};

TEST_F(HostileClientTest, AFullTableOfDescriptorsDoesNotEndTheService) {
    FullTable table;
    auto& one = client();
    const auto other = newClient();
    EXPECT_TRUE(other->listMounts().empty());
    const std::vector<sdbus::UnixFd> fds(8, sdbus::UnixFd{0});
    auto send =
        one.made(kRoot, kService, "NoSuchMethod", fds[0], fds[1], fds[2], fds[3], fds[4], fds[5], fds[6], fds[7]);
    table.fill();
    send();
    EXPECT_TRUE(other->listMounts().empty());
    table.empty();
    EXPECT_NO_THROW(one.mount("fonts"));
    send = nullptr;  // a message of the connection that goes now,
    stop();          // while the limit is this one
}

TEST_F(HostileClientTest, TheBusIsAskedOnceWhoseAConnectionIs) {
    client();
    Process monitor{{"dbus-monitor", "--address", bus_.address(), "destination='org.freedesktop.DBus'"}};
    while (monitor.readLine(100ms).find("Hello") == std::string::npos) static_cast<void>(newClient());
    const auto other = newClient();
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(other->listMounts().empty());
    int asked = 0;
    for (std::string line = monitor.readLine(500ms); !line.empty(); line = monitor.readLine(500ms)) {
        asked += line.find("member=GetConnection") != std::string::npos ? 1 : 0;
    }
    EXPECT_EQ(asked, 1);
}

// What the service watches for on the bus says that it knows nobody any more.
TEST_F(HostileClientTest, WhoHasLeftIsForgotten) {
    client();
    Process monitor{{"dbus-monitor", "--address", bus_.address(), "destination='org.freedesktop.DBus'"}};
    while (monitor.readLine(100ms).find("Hello") == std::string::npos) static_cast<void>(newClient());
    EXPECT_TRUE(client().listMounts().empty());
    client_.reset();
    bool removed = false, forgotten = false;
    for (std::string line = "-"; !line.empty() && !forgotten;) {
        line = monitor.readLine(5s);
        forgotten = removed && line.find("member='NameOwnerChanged',arg2=''") != std::string::npos;
        removed = line.find("member=RemoveMatch") != std::string::npos;
    }
    EXPECT_TRUE(forgotten);
}

TEST_F(HostileClientTest, AFloodOfCallsThatWantNoAnswerKeepsOthersWaitingForAMoment) {
    client();
    const auto other = newClient();
    EXPECT_TRUE(other->listMounts().empty());
    for (int i = 0; i < 50'000; ++i) client().send(kRoot, kService, "ListMounts");
#ifdef __SANITIZE_THREAD__  // everything takes several times as long
    constexpr auto kMoment = 60s;
#else
    constexpr auto kMoment = 5s;
#endif
    EXPECT_LT(durationOf([&] { EXPECT_TRUE(other->listMounts().empty()); }), kMoment);
}

TEST_F(HostileClientTest, WhatTheWaitingCallsOfAUserKeepIsLimited) {
    client();
    callAs(1000);
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    std::vector<std::string> names{"fonts"};
    while (names.size() < 4096) names.push_back("none" + std::to_string(names.size()));
    std::vector<Pending> calls;
    for (int i = 0; i < 6; ++i) {
        calls.push_back(client().begin<std::vector<MountResult>>(kRoot, kService, "MountMany", names, Options{}));
    }
    ASSERT_TRUE(client().waitUntil([&] { return calls.back()->has_value(); }));
    EXPECT_EQ((*calls.back())->name, busError("LimitsExceeded"));
    EXPECT_NE((*calls.back())->message.find("KiB"), std::string::npos) << (*calls.back())->message;
    EXPECT_TRUE(newClient()->listMounts().empty());
    gate.open();
    for (const auto& call : calls) {
        ASSERT_TRUE(client().waitUntil([&] { return call->has_value(); }));
    }
    EXPECT_EQ((*calls.front())->name, "");
}

}  // namespace
}  // namespace northstar::test
