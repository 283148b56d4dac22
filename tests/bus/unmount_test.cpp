// SPDX-License-Identifier: Apache-2.0
// Unmount: by object, by mount point, by container; and what is left afterwards.
#include "bus_test.h"

namespace northstar::test {
namespace {

TEST_F(BusTest, UnmountTakesObjectMountPointOrContainer) {
    for (int round = 0; round < 4; ++round) {
        const auto mounted = client().mount("hello-gzip:1.0.0");
        const std::vector<std::string> names{mounted.object, mounted.mountPoint, "hello-gzip:1.0.0", "hello-gzip"};
        client().unmount(names.at(static_cast<std::size_t>(round)));
        EXPECT_TRUE(client().listMounts().empty()) << names.at(static_cast<std::size_t>(round));
    }
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, UnmountThatReturnedHasRemovedDevicesAndDirectory) {
    client().mount("hello-gzip");
    client().unmount("hello-gzip");
    EXPECT_TRUE(kernel_->live().empty()) << testing::PrintToString(kernel_->live());
    EXPECT_TRUE(stateFiles().empty());
}

TEST_F(BusTest, UnmountOfAContainerMountedTwiceListsTheMountPoints) {
    client().mount("hello-gzip");
    client().mount("hello-gzip", {{"target", sdbus::Variant{std::string{"/srv/two"}}}});
    const auto failure = failureOf([&] { client().unmount("hello-gzip:1.0.0"); });
    EXPECT_EQ(failure.name, busError("InvalidArgs"));
    EXPECT_NE(failure.message.find(runDir() + "/hello-gzip:1.0.0"), std::string::npos) << failure.message;
    EXPECT_NE(failure.message.find("/srv/two"), std::string::npos) << failure.message;
    EXPECT_EQ(client().listMounts().size(), 2U);
}

TEST_F(BusTest, UnmountOfAContainerMountedVeryOftenListsSomeOfTheMountPoints) {
    client();
    for (int i = 0; i < 7; ++i) client().mount("fonts", {{"target", sdbus::Variant{"/srv/f" + std::to_string(i)}}});
    const auto failure = failureOf([&] { client().unmount("fonts"); });
    EXPECT_EQ(failure.name, busError("InvalidArgs"));
    EXPECT_NE(failure.message.find("/srv/f4 and 2 more"), std::string::npos) << failure.message;
}

TEST_F(BusTest, BusyUnmountNamesTheHoldersAndKeepsTheMount) {
    const auto mounted = client().mount("hello-gzip");
    kernel_->keepBusy(mounted.mountPoint, {{4711, "editor", mounted.mountPoint + "/notes"}});
    const auto failure = failureOf([&] { client().unmount("hello-gzip"); });
    EXPECT_EQ(failure.name, ownError("Busy"));
    EXPECT_NE(failure.message.find("4711"), std::string::npos) << failure.message;
    EXPECT_NE(failure.message.find("editor"), std::string::npos) << failure.message;
    EXPECT_EQ(client().listMounts().size(), 1U);
    EXPECT_EQ(stateFiles().size(), 1U);
    kernel_->release(mounted.mountPoint);
    client().unmount("hello-gzip");
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, LazyUnmountDetachesABusyMountAndDevicesGoWithTheLastUser) {
    const auto mounted = client().mount("hello-gzip");
    kernel_->keepBusy(mounted.mountPoint, {});
    client().unmount("hello-gzip", {{"lazy", sdbus::Variant{true}}});
    EXPECT_TRUE(client().listMounts().empty());
    EXPECT_EQ(kernel_->live(), (std::vector<std::string>{"/dev/dm-0", "/dev/loop0"}));
    kernel_->release(mounted.mountPoint);
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, UnmountOfWhatIsNotMountedIsNotMounted) {
    for (const char* what :
         {"hello-gzip:1.0.0", "/srv/nothing", "/org/northstar/Mounter/mounts/99", "/org/northstar/Mounter/mounts/x",
          "/org/northstar/Mounter/mounts/", "", "no such", "hello-gzip:", "hello-gzip:1"}) {
        EXPECT_EQ(failureOf([&] { client().unmount(what); }).name, ownError("NotMounted")) << what;
    }
}

TEST_F(BusTest, MountsOfOthersThatTheServiceDidNotMakeAreNotUnmounted) {
    EXPECT_EQ(failureOf([&] { client().unmount("/proc"); }).name, ownError("NotMounted"));
}

TEST_F(BusTest, MountObjectUnmountsItself) {
    const auto mounted = client().mount("hello-gzip");
    client().call<>(mounted.object, kMountInterface, "Unmount", Options{});
    EXPECT_TRUE(nothingLeft());
    EXPECT_FALSE(
        failureOf([&] { client().property<std::string>(mounted.object, kMountInterface, "Name"); }).name.empty());
}

TEST_F(BusTest, UnmountThatFailsInTheKernelLeavesTheMountAsItWas) {
    const auto mounted = client().mount("hello-gzip");
    kernel_->failNext("unmount", Error{Code::Failed, "the kernel said no"});
    EXPECT_EQ(failureOf([&] { client().unmount("hello-gzip"); }).name, ownError("Failed"));
    EXPECT_EQ(client().property<std::string>(mounted.object, kMountInterface, "MountPoint"), mounted.mountPoint);
    client().unmount(mounted.object);
    EXPECT_TRUE(nothingLeft());
}

}  // namespace
}  // namespace northstar::test
