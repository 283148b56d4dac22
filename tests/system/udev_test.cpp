// SPDX-License-Identifier: Apache-2.0
// What udev makes of our devices with the rules of udev/ installed: nothing.
#include <sys/sysmacros.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "system/sandbox.h"

namespace northstar {
namespace {

class UdevTest : public KernelTest {
protected:
    void SetUp() override {
        KernelTest::SetUp();
        if (IsSkipped()) return;
        if (!std::filesystem::exists("/run/udev/control")) GTEST_SKIP() << "udevd does not run";
        if (!std::filesystem::exists("/usr/lib/udev/rules.d/09-northstar-mounter.rules")) {
            GTEST_SKIP() << "the udev rules are not installed";
        }
    }

    // Properties in udev's database once it has handled all events; links included ("S:").
    static std::string properties(const std::string& node) {
        const std::string command = "udevadm settle -t 20; udevadm info --query=all --name=" + node;
        std::string text;
        std::array<char, 4096> buffer{};
        FILE* pipe = ::popen(command.c_str(), "re");
        while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) text += buffer.data();
        EXPECT_EQ(::pclose(pipe), 0) << command;
        return text;
    }

    static void expectLeftAlone(const std::string& node) {
        const std::string known = properties(node);
        EXPECT_NE(known.find("NORTHSTAR_DEVICE=1"), std::string::npos) << known;
        EXPECT_NE(known.find("UDISKS_IGNORE=1"), std::string::npos) << known;
        EXPECT_NE(known.find("SYSTEMD_READY=0"), std::string::npos) << known;
        EXPECT_EQ(known.find("ID_FS_TYPE"), std::string::npos) << known;
        EXPECT_EQ(known.find("S: "), std::string::npos) << known;
    }
};

TEST_F(UdevTest, LeavesLoopDevicesAlone) {
    const Mounted mounted = mount(*kernel_, copyPackage("signed/hello-xz-1.0.0.npk"), path("hello"));
    expectLeftAlone(mounted.loop);
    unmount(*kernel_, mounted);
}

TEST_F(UdevTest, LeavesVerityDevicesAlone) {
    if (!kernel_->verityAvailable()) GTEST_SKIP() << "this kernel has no dm-verity";
    const Mounted mounted = mountVerified(*kernel_, copyPackage("signed/hello-xz-1.0.0.npk"), path("hello"));
    expectLeftAlone("/dev/dm-" + std::to_string(minor(mounted.device)));
    unmount(*kernel_, mounted);
}

TEST_F(UdevTest, ForgetsALoopDeviceThatShowedAPackage) {
    const Mounted mounted = mount(*kernel_, copyPackage("signed/hello-xz-1.0.0.npk"), path("hello"));
    expectLeftAlone(mounted.loop);
    unmount(*kernel_, mounted);
    EXPECT_EQ(properties(mounted.loop).find("NORTHSTAR_DEVICE"), std::string::npos);
}

}  // namespace
}  // namespace northstar
