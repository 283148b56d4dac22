// SPDX-License-Identifier: Apache-2.0
// Signals: what they say, and their place in the order of things. Serials number the messages as the service sent them.
#include <algorithm>

#include "bus_test.h"

namespace northstar::test {
namespace {

TEST_F(BusTest, MountedComesAfterTheObjectAndBeforeTheReply) {
    const auto mounted = client().mount("hello-gzip");
    const auto reply = client().replySerial;
    const auto added = client().waitForSignal("InterfacesAdded");
    const auto signal = client().waitForSignal("Mounted");
    ASSERT_TRUE(added && signal);
    EXPECT_EQ(added->args, std::vector<std::string>{mounted.object});
    EXPECT_EQ(signal->path, kRoot);
    EXPECT_EQ(signal->args, (std::vector<std::string>{mounted.object, "hello-gzip:1.0.0", mounted.mountPoint}));
    EXPECT_LT(added->serial, signal->serial);
    EXPECT_LT(signal->serial, reply);
}

TEST_F(BusTest, UnmountedComesAfterTheObjectIsGoneAndBeforeTheReply) {
    const auto mounted = client().mount("hello-gzip");
    client().unmount(mounted.object);
    const auto reply = client().replySerial;
    const auto removed = client().waitForSignal("InterfacesRemoved");
    const auto signal = client().waitForSignal("Unmounted");
    ASSERT_TRUE(removed && signal);
    EXPECT_EQ(removed->args, std::vector<std::string>{mounted.object});
    EXPECT_EQ(signal->args,
              (std::vector<std::string>{mounted.object, "hello-gzip:1.0.0", mounted.mountPoint, "request"}));
    EXPECT_LT(removed->serial, signal->serial);
    EXPECT_LT(signal->serial, reply);
}

TEST_F(BusTest, MountCountChangesAreSaidBeforeTheReply) {
    client().mount("hello-gzip");
    const auto reply = client().replySerial;
    const auto changed = client().waitForSignal("PropertiesChanged");
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->args, (std::vector<std::string>{kService, "MountCount"}));
    EXPECT_LT(changed->serial, reply);
}

TEST_F(BusTest, AFailedMountSaysNothing) {
    kernel_->failNext("attach", Error{Code::Failed, "no"});
    EXPECT_NE(failureOf([&] { client().mount("hello-gzip"); }).name, "");
    EXPECT_TRUE(client().listMounts().empty());
    EXPECT_TRUE(client().signals().empty());
}

TEST_F(BusTest, OthersHearOfAMountToo) {
    client();
    const auto listener = newClient();
    const auto mounted = client().mount("hello-gzip");
    const auto signal = listener->waitForSignal("Mounted");
    ASSERT_TRUE(signal);
    EXPECT_EQ(listener->property<std::string>(signal->args.at(0), kMountInterface, "MountPoint"), mounted.mountPoint);
}

TEST_F(BusTest, AnExternalUnmountIsNoticedCleanedUpAndSaid) {
    const auto mounted = client().mount("hello-gzip");
    kernel_->unmountExternally(mounted.mountPoint);
    const auto signal = client().waitForSignal("Unmounted");
    ASSERT_TRUE(signal);
    EXPECT_EQ(signal->args,
              (std::vector<std::string>{mounted.object, "hello-gzip:1.0.0", mounted.mountPoint, "external"}));
    EXPECT_TRUE(client().listMounts().empty());
    EXPECT_EQ(client().property<std::uint32_t>(kRoot, kService, "MountCount"), 0U);
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, AContainerCanBeMountedAgainAfterAnExternalUnmount) {
    const auto first = client().mount("hello-gzip");
    kernel_->unmountExternally(first.mountPoint);
    ASSERT_TRUE(client().waitForSignal("Unmounted"));
    const auto second = client().mount("hello-gzip");
    EXPECT_EQ(second.mountPoint, first.mountPoint);
    EXPECT_NE(second.object, first.object);  // numbers are not used again
    client().unmount("hello-gzip");
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, ABurstOfExternalUnmountsIsReadInFewPasses) {
    std::vector<std::string> points;
    for (const char* name : {"hello-gzip", "hello-xz", "hello-zstd", "hello-none", "hello-lzo", "fonts"}) {
        points.push_back(client().mount(name).mountPoint);
    }
    const auto before = kernel_->calls();
    for (const auto& point : points) kernel_->unmountExternally(point);
    ASSERT_TRUE(client().waitForSignal("Unmounted", 5));
    const auto calls = kernel_->calls();
    EXPECT_LE(std::count(calls.begin() + static_cast<std::ptrdiff_t>(before.size()), calls.end(), "mountsOn"), 3);
}

TEST_F(BusTest, OneUnmountedSignalOnlyWhenARequestAndTheTableAgree) {
    client().mount("hello-gzip");
    client().unmount("hello-gzip");
    client().waitUntil([] { return false; }, std::chrono::milliseconds{300});  // time for the table to be read
    EXPECT_EQ(std::ranges::count(client().signals(), "Unmounted", &Signal::member), 1);
}

}  // namespace
}  // namespace northstar::test
