// SPDX-License-Identifier: Apache-2.0
// What polkit is told of where a descriptor comes from.
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "bus_test.h"
#include "support/package_builder.h"

namespace northstar::test {
namespace {

class SourceTest : public BusTest {
protected:
    SourceTest() { callAs(1000); }
    std::string sourceOf(int fd) {
        client().mountFd(fd, {{"allow_unverified", sdbus::Variant{true}}});
        return polkit_->asked().at(0).details.at("source");
    }
};

void sendFd(int socket, int fd) {
    char byte = 0;
    iovec part{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fd)> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    sendmsg(socket, &message, 0);
}

UniqueFd receiveFd(int socket) {
    char byte = 0;
    iovec part{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0) return {};
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr) return {};
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return UniqueFd{fd};
}

// `shown` as it is in a mount namespace in which `from` is bound there. Nothing if there can be no such namespace.
UniqueFd openShownAs(const std::string& from, const std::string& directory, const std::string& shown) {
    std::array<int, 2> sockets{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) return {};
    UniqueFd ours{sockets[0]}, theirs{sockets[1]};
    const pid_t child = fork();
    if (child == 0) {
        const bool made = (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
                          mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                          mount(from.c_str(), directory.c_str(), nullptr, MS_BIND, nullptr) == 0;
        const int fd = made ? open(shown.c_str(), O_RDONLY | O_CLOEXEC) : -1;
        if (fd >= 0) sendFd(theirs.get(), fd);
        _exit(0);
    }
    theirs.reset();
    UniqueFd received = receiveFd(ours.get());
    waitpid(child, nullptr, 0);
    return received;
}

TEST_F(SourceTest, IsThePathOfAFileThatWeSeeToo) {
    std::filesystem::copy_file(dataPath("signed/fonts-2.3.4.npk"), directory_ / "mine.npk");
    const UniqueFd file{open((directory_ / "mine.npk").c_str(), O_RDONLY | O_CLOEXEC)};
    EXPECT_EQ(sourceOf(file.get()), std::filesystem::canonical(directory_ / "mine.npk"));
}

// polkit is told, and the caller knows; others see that it is a file in a directory that is not for them.
TEST_F(SourceTest, IsShownToEverybodyOnlyWhereEverybodyMayGo) {
    namespace fs = std::filesystem;
    for (const bool open : {false, true}) {
        fs::permissions(directory_.path(), fs::perms{open ? 0755U : 0700U});
        const std::string path = fs::canonical(directory_.path()) / (open ? "open.npk" : "hidden.npk");
        fs::copy_file(dataPath("signed/fonts-2.3.4.npk"), path);
        const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        const auto mounted = client().mountFd(file.get(), {});
        EXPECT_EQ(client().property<std::string>(mounted.object, kMountInterface, "Source"), open ? path : "private");
        EXPECT_EQ(polkit_->asked().back().details.at("verified"), "true");
        client().unmount(mounted.object);
    }
}

TEST_F(SourceTest, IsNoPathThatOnlyTheCallersMountNamespaceHas) {
    std::filesystem::create_directory(directory_ / "evil");
    std::filesystem::create_directory(directory_ / "vendor");
    std::filesystem::copy_file(dataPath("signed/fonts-2.3.4.npk"), directory_ / "evil/fonts.npk");
    const std::string shown = directory_ / "vendor/fonts.npk";
    client();
    const UniqueFd file = openShownAs(directory_ / "evil", directory_ / "vendor", shown);
    if (!file) GTEST_SKIP() << "needs a mount namespace of its own";
    std::array<char, 256> link{};
    ASSERT_GT(readlink(("/proc/self/fd/" + std::to_string(file.get())).c_str(), link.data(), link.size()), 0);
    EXPECT_EQ(sourceOf(file.get()), "descriptor") << link.data();
}

TEST_F(SourceTest, IsNoPathOfAFileThatIsGone) {
    std::filesystem::copy_file(dataPath("signed/fonts-2.3.4.npk"), directory_ / "gone.npk");
    const UniqueFd file{open((directory_ / "gone.npk").c_str(), O_RDONLY | O_CLOEXEC)};
    std::filesystem::remove(directory_ / "gone.npk");
    EXPECT_EQ(sourceOf(file.get()), "descriptor");
}

TEST_F(SourceTest, IsNoPathThatIsNotShownAsItIs) {
    const std::string path = directory_ / "a\u202eb.npk";
    std::filesystem::copy_file(dataPath("signed/fonts-2.3.4.npk"), path);
    const UniqueFd file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    EXPECT_EQ(sourceOf(file.get()), "descriptor");
}

TEST_F(SourceTest, IsALongPathAsItIs) {
    const std::string path = directory_ / std::string(240, 'x');
    std::filesystem::copy_file(dataPath("signed/fonts-2.3.4.npk"), path);
    const UniqueFd file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    EXPECT_EQ(sourceOf(file.get()), std::filesystem::canonical(path));
}

TEST_F(SourceTest, IsNoNameOfAMemfd) {
    const MemoryFile memory = buildPackage({});
    EXPECT_EQ(sourceOf(memory.fd()), "descriptor");
}

}  // namespace
}  // namespace northstar::test
