// SPDX-License-Identifier: Apache-2.0
// Devices and descriptors that outlive what used them.
#include <algorithm>
#include <filesystem>

#include "bus_test.h"

namespace northstar::test {
namespace {

TEST_F(BusTest, DevicesThatSomebodyHoldsKeepNoMountWaiting) {
    const std::vector<std::string> names{"hello-gzip", "hello-xz", "hello-zstd", "hello-none"};  // as many as workers
    std::vector<std::string> devices;
    for (const auto& name : names) {
        devices.push_back(client().property<std::string>(client().mount(name).object, kMountInterface, "Device"));
        kernel_->openDevice(devices.back());
    }
    const auto other = newClient();
    std::vector<Pending> unmounts;
    for (const auto& name : names) unmounts.push_back(other->begin<>(kRoot, kService, "Unmount", name, Options{}));
    other->waitUntil([&] { return std::ranges::count(kernel_->calls(), "unmount") == 4; });
    const auto begun = std::chrono::steady_clock::now();
    client().mount("fonts");
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds{1000});
    other->waitUntil([] { return true; });
    EXPECT_TRUE(std::ranges::none_of(unmounts, [](const auto& u) { return u->has_value(); }));
    for (const auto& device : devices) kernel_->closeDevice(device);
    EXPECT_TRUE(
        other->waitUntil([&] { return std::ranges::all_of(unmounts, [](const auto& u) { return u->has_value(); }); }));
    for (const auto& unmount : unmounts) EXPECT_EQ((*unmount)->name, "");
    EXPECT_EQ(kernel_->live().size(), 4U);  // those of fonts
}

TEST_F(BusTest, AContainerWhoseDevicesSomebodyHoldsCanBeMountedAgainMeanwhile) {
    const auto mounted = client().mount("fonts");
    const auto device = client().property<std::string>(mounted.object, kMountInterface, "Device");
    kernel_->openDevice(device);
    const auto other = newClient();
    const auto unmount = other->begin<>(kRoot, kService, "Unmount", std::string{"fonts"}, Options{});
    EXPECT_TRUE(other->waitUntil([&] { return std::ranges::count(kernel_->calls(), "unmount") == 1; }));
    const auto again = client().mount("fonts");
    EXPECT_EQ(again.mountPoint, mounted.mountPoint);
    other->waitUntil([] { return true; });
    EXPECT_FALSE(unmount->has_value());  // it waits for the devices of its own mount
    kernel_->closeDevice(device);
    EXPECT_TRUE(other->waitUntil([&] { return unmount->has_value(); }));
    EXPECT_EQ((*unmount)->name, "");
    EXPECT_EQ(client().listMounts().size(), 1U);
}

TEST_F(BusTest, LookingForHoldersKeepsNoMountWaiting) {
    const std::vector<std::string> names{"hello-gzip", "hello-xz", "hello-zstd", "hello-none"};
    for (const auto& name : names) kernel_->keepBusy(client().mount(name).mountPoint, {{42, "cat", "/file"}});
    const auto other = newClient();
    std::vector<Pending> unmounts;
    FakeKernel::Gate gate{*kernel_, "holders"};
    for (const auto& name : names) unmounts.push_back(other->begin<>(kRoot, kService, "Unmount", name, Options{}));
    other->waitUntil([&] { return std::ranges::count(kernel_->calls(), "unmount") == 4; });
    ASSERT_TRUE(gate.waitFor(1));
    client().mount("fonts");
    EXPECT_EQ(failureOf([&] { client().mount("hello-gzip"); }).name, ownError("AlreadyMounted"));  // nor is its own
    gate.open();
    EXPECT_TRUE(
        other->waitUntil([&] { return std::ranges::all_of(unmounts, [](const auto& u) { return u->has_value(); }); }));
    for (const auto& unmount : unmounts) {
        EXPECT_EQ((*unmount)->name, ownError("Busy"));
        EXPECT_NE((*unmount)->message.find("42 (cat, /file)"), std::string::npos) << (*unmount)->message;
    }
    EXPECT_EQ(client().listMounts().size(), 5U);
}

TEST_F(BusTest, AnUnmountEndsAlthoughSomebodyKeepsTheDevice) {
    const auto mounted = client().mount("fonts");
    const auto device = client().property<std::string>(mounted.object, kMountInterface, "Device");
    kernel_->openDevice(device);
    EXPECT_EQ(failureOf([&] { client().unmount("fonts"); }).name, "");
    EXPECT_TRUE(client().listMounts().empty());
    kernel_->closeDevice(device);
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, DevicesThatOutliveTheirMountCountForWhoHadMountedIt) {
    configure("limits = { mounts = 3, mounts_per_uid = 1 }");
    callAs(1000);
    const auto mounted = client().mount("fonts");
    const auto device = client().property<std::string>(mounted.object, kMountInterface, "Device");
    kernel_->openDevice(device);
    client().unmount("fonts", {{"lazy", sdbus::Variant{true}}});
    EXPECT_EQ(failureOf([&] { client().mount("hello-gzip"); }).name, busError("LimitsExceeded"));
    callAs(1001);
    client().mount("hello-zstd");
    callAs(0);
    client().mount("hello-xz");
    callAs(1000);
    kernel_->closeDevice(device);
    // They are looked at once a second at most.
    EXPECT_TRUE(client().waitUntil([&] { return failureOf([&] { client().mount("hello-gzip"); }).name.empty(); }));
    EXPECT_EQ(client().listMounts().size(), 3U);
}

TEST_F(BusTest, ACallThatWaitsKeepsNoDescriptorButThePackages) {
    std::filesystem::copy_file(dataPath("signed/fonts-2.3.4.npk"), directory_ / "only.npk");
    UniqueFd file{open((directory_ / "only.npk").c_str(), O_RDONLY | O_CLOEXEC)};
    const auto inode = std::filesystem::path{directory_ / "only.npk"};
    client();
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    const auto mount = client().begin<sdbus::ObjectPath, std::string>(kRoot, kService, "MountFd",
                                                                      sdbus::UnixFd{file.get()}, Options{});
    client().waitUntil([] { return true; });
    ASSERT_TRUE(gate.waitFor(1));
    file.reset();
    const auto open = [&] {
        const std::filesystem::directory_iterator all{"/proc/self/fd"};
        return std::count_if(begin(all), end(all), [&](const auto& entry) {
            std::error_code gone;
            return std::filesystem::equivalent(entry.path(), inode, gone);
        });
    };
    EXPECT_TRUE(client().waitUntil([&] { return open() == 1; })) << open();  // the caller's is closed by a helper
    gate.open();
    EXPECT_TRUE(client().waitUntil([&] { return mount->has_value(); }));
    EXPECT_EQ((*mount)->name, "");
}

}  // namespace
}  // namespace northstar::test
