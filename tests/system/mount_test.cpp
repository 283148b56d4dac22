// SPDX-License-Identifier: Apache-2.0
// Mounting real packages, with the mount calls of today and with mount(2).
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "system/sandbox.h"

namespace northstar {
namespace {

using namespace std::chrono_literals;

class MountTest : public KernelTest, public testing::WithParamInterface<LinuxKernelOptions> {
protected:
    void SetUp() override {
        KernelTest::SetUp();
        kernel_ = makeLinuxKernel(GetParam());
    }
};

INSTANTIATE_TEST_SUITE_P(NewCalls, MountTest, testing::Values(LinuxKernelOptions{}));
INSTANTIATE_TEST_SUITE_P(OldCalls, MountTest, testing::Values(LinuxKernelOptions{Calls::Old, Calls::Old}));

std::string optionsOf(const std::string& mountPoint) {
    const std::string line = mountInfoLine(mountPoint);
    const std::size_t start = line.find(" " + mountPoint + " ") + mountPoint.size() + 2;
    return line.empty() ? "" : "," + line.substr(start, line.find(' ', start) - start) + ",";
}

TEST_P(MountTest, ShowsTheFilesOfEveryPackage) {
    std::vector<std::string> names = signedPackages();
    names.push_back("unsigned/hello-unsigned-1.0.0.npk");
    ASSERT_GE(names.size(), 10U);
    for (const std::string& name : names) {
        const Mounted mounted = mount(*kernel_, copyPackage(name), path("hello"));
        EXPECT_EQ(contentDifference(mounted.path), "") << name;
        unmount(*kernel_, mounted);
    }
}

TEST_P(MountTest, IsReadOnlyWithoutDevicesAndSetuid) {
    const Mounted mounted = mount(*kernel_, copyPackage("signed/hello-xz-1.0.0.npk"), path("hello"));
    const std::string options = optionsOf(mounted.path);
    EXPECT_NE(options.find(",ro,"), std::string::npos) << options;
    EXPECT_NE(options.find(",nosuid,"), std::string::npos) << options;
    EXPECT_NE(options.find(",nodev,"), std::string::npos) << options;
    EXPECT_EQ(options.find(",noexec,"), std::string::npos) << options;
    EXPECT_EQ(::open((mounted.path + "/new").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644), -1);
    EXPECT_EQ(errno, EROFS);
    unmount(*kernel_, mounted);
}

TEST_P(MountTest, IsNoexecOnRequest) {
    const Mounted mounted =
        mount(*kernel_, copyPackage("signed/hello-xz-1.0.0.npk"), path("hello"), {"squashfs", true, ""});
    EXPECT_NE(optionsOf(mounted.path).find(",noexec,"), std::string::npos);
    unmount(*kernel_, mounted);
}

TEST_P(MountTest, IsIdentifiedAsInTheMountTable) {
    const Mounted mounted = mount(*kernel_, copyPackage("signed/hello-xz-1.0.0.npk"), path("hello"));
    EXPECT_EQ(mountInfoLine(mounted.path).substr(0, mountInfoLine(mounted.path).find(' ')),
              std::to_string(mounted.identity.id));
    EXPECT_EQ(mounted.identity.device, mounted.device);
    const auto table = kernel_->mountsOn({mounted.device});
    ASSERT_EQ(table.size(), 1U);
    EXPECT_EQ(table[0].identity, mounted.identity);
    EXPECT_EQ(table[0].mountPoint, mounted.path);
    unmount(*kernel_, mounted);
    EXPECT_TRUE(kernel_->mountsOn({mounted.device}).empty());
}

TEST_P(MountTest, WithASelinuxContextWorksWhereThereIsNoSelinux) {
    std::string context;  // user:role:type of this process, if there is a policy
    std::getline(std::ifstream{"/proc/self/attr/current"}, context);
    if (context.find(':') != std::string::npos) GTEST_SKIP() << "this system has SELinux";
    const MountOptions options{"squashfs", false, "system_u:object_r:container_file_t:s0:c1,c2"};
    const Mounted mounted = mount(*kernel_, copyPackage("signed/hello-selinux-1.0.0.npk"), path("hello"), options);
    EXPECT_EQ(contentDifference(mounted.path), "");
    unmount(*kernel_, mounted);
}

TEST_P(MountTest, WithAContextThatIsNoneIsRefused) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const auto loop = kernel_->attachLoop(package.loop());
    EXPECT_EQ(errorOf([&] { kernel_->mountDetached(*loop, {"squashfs", false, "a\",suid"}); }).code(),
              Code::InvalidArgs);
}

TEST_P(MountTest, OfAFilesystemThatTheKernelLacksNamesTheOption) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const auto error = errorOf([&] { mount(*kernel_, package, path("hello"), {"northstarfs", false, ""}); });
    EXPECT_EQ(error.code(), Code::Unsupported);
    EXPECT_MENTIONS(error, "CONFIG_NORTHSTARFS");
    EXPECT_FALSE(std::filesystem::exists(path("hello")));
}

TEST_P(MountTest, OfSomethingElseFailsAndLeavesNothing) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const auto error = errorOf([&] { mount(*kernel_, package, path("hello"), {"erofs", false, ""}); });
    EXPECT_TRUE(error.code() == Code::Failed || error.code() == Code::Unsupported) << error.what();
    EXPECT_FALSE(std::filesystem::exists(path("hello")));
    EXPECT_TRUE(eventually([] { return sandboxLoops().empty(); }));
}

TEST_P(MountTest, ThatIsNeverAttachedLeavesNothing) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    {
        const auto loop = kernel_->attachLoop(package.loop());
        const auto detached = kernel_->mountDetached(*loop, {"squashfs", false, ""});
        EXPECT_TRUE(kernel_->mountsOn({loop->number()}).empty());
    }
    EXPECT_TRUE(eventually([] { return sandboxLoops().empty(); }));
}

TEST_P(MountTest, WhereSomethingWasMountedMeanwhileIsRefused) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const auto loop = kernel_->attachLoop(package.loop());
    const auto first = kernel_->makeMountPoint(path("hello"));
    const auto second = kernel_->makeMountPoint(path("hello"));
    const Mounted mounted = mount(*kernel_, package, path("hello"));
    const auto detached = kernel_->mountDetached(*loop, {"squashfs", false, ""});
    EXPECT_EQ(errorOf([&] { detached->attach(*second); }).code(), Code::AlreadyMounted);
    EXPECT_TRUE(kernel_->mountsOn({loop->number()}).empty());
    unmount(*kernel_, mounted);
}

class MountErrorTest : public KernelTest {};

// The compression's number is at byte 20 of the superblock (kernel: squashfs_fs.h); 2 is LZMA, which no
// kernel has.
TEST_F(MountErrorTest, NamesADecompressorThatTheKernelLacks) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const UniqueFd file{::open(package.file.c_str(), O_RDWR | O_CLOEXEC)};
    ASSERT_EQ(::pwrite(file.get(), "\2\0", 2, static_cast<off_t>(package.image.offset) + 20), 2);
    const auto error = errorOf([&] { mount(*kernel_, package, path("hello")); });
    EXPECT_EQ(error.code(), Code::Unsupported) << error.what();
    EXPECT_MENTIONS(error, "lzma");
}

TEST_F(MountErrorTest, CarriesWhatTheFilesystemSaid) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const UniqueFd file{::open(package.file.c_str(), O_RDWR | O_CLOEXEC)};
    ASSERT_EQ(::pwrite(file.get(), "none", 4, static_cast<off_t>(package.image.offset)), 4);
    const auto error = errorOf([&] { mount(*kernel_, package, path("hello")); });
    EXPECT_EQ(error.code(), Code::Failed) << error.what();
    EXPECT_MENTIONS(error, "SQUASHFS superblock");
}

}  // namespace
}  // namespace northstar
