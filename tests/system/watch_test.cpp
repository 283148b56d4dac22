// SPDX-License-Identifier: Apache-2.0
// Hearing of mounts that somebody else took down, and only of the kernel's own uevents.
#include <linux/netlink.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <filesystem>

#include "system/sandbox.h"

namespace northstar {
namespace {

bool readable(int fd, std::chrono::milliseconds timeout = {}) {
    pollfd poll{fd, POLLIN, 0};
    return ::poll(&poll, 1, static_cast<int>(timeout.count())) == 1;
}

class WatchTest : public KernelTest {};

TEST_F(WatchTest, TellsOfAMountThatSomebodyElseTookDown) {
    const Mounted mounted = mount(*kernel_, copyPackage("signed/hello-xz-1.0.0.npk"), path("hello"));
    const auto watch = kernel_->watchMounts();
    watch->drain();
    EXPECT_FALSE(readable(watch->fd()));
    ASSERT_EQ(::umount(mounted.path.c_str()), 0);
    EXPECT_TRUE(readable(watch->fd(), kPatience));
    EXPECT_TRUE(kernel_->mountsOn({mounted.device}).empty());
    watch->drain();
    EXPECT_FALSE(readable(watch->fd()));
    kernel_->removeMountPoint(mounted.path, mounted.made);
}

TEST_F(WatchTest, TellsOfEachChangeAfterBeingDrained) {
    const auto watch = kernel_->watchMounts();
    std::filesystem::create_directory(path("over"));
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(::mount("test", path("over").c_str(), "tmpfs", 0, nullptr), 0);
        EXPECT_TRUE(readable(watch->fd(), kPatience)) << i;
        ASSERT_EQ(::umount(path("over").c_str()), 0);
        watch->drain();
        EXPECT_FALSE(readable(watch->fd())) << i;
    }
    std::filesystem::remove(path("over"));
}

TEST_F(WatchTest, DoesNotBelieveUeventsOfOtherProcesses) {
    const auto watch = kernel_->watchCorruption();
    using namespace std::string_literals;
    const std::string forged =
        "change@/devices/virtual/block/dm-3\0SUBSYSTEM=block\0MAJOR=254\0MINOR=3\0DM_VERITY_ERR_BLOCK_NR=0,7\0"s;
    const UniqueFd sender{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT)};
    sockaddr_nl everybody{};
    everybody.nl_family = AF_NETLINK;
    everybody.nl_groups = 1;
    ASSERT_EQ(::sendto(sender.get(), forged.data(), forged.size(), 0, reinterpret_cast<const sockaddr*>(&everybody),
                       sizeof everybody),
              static_cast<ssize_t>(forged.size()));
    ASSERT_TRUE(readable(watch->fd(), kPatience));
    EXPECT_TRUE(watch->read(10).blocks.empty());
    EXPECT_TRUE(watch->read(10).blocks.empty());
}

}  // namespace
}  // namespace northstar
