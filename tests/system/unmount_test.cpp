// SPDX-License-Identifier: Apache-2.0
// Taking down exactly the mount that is meant, and telling who is in the way.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include "system/sandbox.h"

namespace northstar {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class UnmountTest : public KernelTest {
protected:
    void SetUp() override {
        KernelTest::SetUp();
        if (IsSkipped()) return;
        mounted_ = mount(*kernel_, copyPackage("signed/hello-xz-1.0.0.npk"), path("hello"));
    }
    void TearDown() override {
        if (!mounted_.path.empty() && !mountInfoLine(mounted_.path).empty()) unmount(*kernel_, mounted_);
        KernelTest::TearDown();
    }
    [[nodiscard]] Code unmountCode(UnmountMode mode = UnmountMode::Now) {
        return errorOf([&] { kernel_->unmount(mounted_.identity, mounted_.path, MountPointFate::Removed, mode); })
            .code();
    }

    Mounted mounted_;
};

TEST_F(UnmountTest, RemovesDirectoryAndDeviceAtOnce) {
    // udevd may have the device open for a moment; without it there is nothing to wait for.
    const auto patience = fs::exists("/run/udev/control") ? kPatience : 0s;
    kernel_->unmount(mounted_.identity, mounted_.path, MountPointFate::Removed, UnmountMode::Now);
    EXPECT_TRUE(kernel_->awaitRelease(mounted_.devices(), patience));
    EXPECT_FALSE(fs::exists(mounted_.path));
    EXPECT_EQ(sandboxLoops(), std::vector<std::string>{});
}

TEST_F(UnmountTest, KeepsTheDirectoryIfNotAskedToRemoveIt) {
    kernel_->unmount(mounted_.identity, mounted_.path, MountPointFate::Stay, UnmountMode::Now);
    EXPECT_TRUE(fs::remove(mounted_.path));
}

// Each look opens the mount for a moment, and that alone makes umount(2) fail.
TEST_F(UnmountTest, OurOwnLooksAtTheMountDoNotMakeItBusy) {
    std::mutex mutex;  // of what the threads look at
    Mounted shown = mounted_;
    const auto current = [&] {
        const std::lock_guard lock{mutex};
        return shown;
    };
    std::atomic<bool> done = false;
    const auto repeat = [&](auto look) {
        return std::thread{[&, look] {
            while (!done) {
                const Mounted now = current();
                try {
                    look(now);
                } catch (const Error&) {  // not mounted at this moment
                }
            }
        }};
    };
    std::vector<std::thread> looks;
    looks.push_back(repeat([&](const Mounted& now) { (void)kernel_->mountsOn({now.device}); }));
    looks.push_back(repeat([&](const Mounted& now) { (void)kernel_->cloneMount(now.identity, now.path); }));
    for (int round = 0; round < 50; ++round) {
        try {
            kernel_->unmount(mounted_.identity, mounted_.path, MountPointFate::Removed, UnmountMode::Now);
        } catch (const Error& error) {
            ADD_FAILURE() << "in round " << round << ": " << error.what();
            break;
        }
        mounted_ = mount(*kernel_, copyPackage("signed/hello-xz-1.0.0.npk"), path("hello"));
        const std::lock_guard lock{mutex};
        shown = mounted_;
    }
    done = true;
    for (auto& look : looks) look.join();
}

TEST_F(UnmountTest, OfWhatIsMountedOverIsRefused) {
    ASSERT_EQ(::mount("test", mounted_.path.c_str(), "tmpfs", 0, nullptr), 0);
    EXPECT_EQ(unmountCode(), Code::NotMounted);
    EXPECT_EQ(unmountCode(UnmountMode::Lazy), Code::NotMounted);
    ASSERT_EQ(::umount(mounted_.path.c_str()), 0);
    EXPECT_EQ(contentDifference(mounted_.path), "");
}

TEST_F(UnmountTest, OfAnotherMountOfTheSameDeviceIsRefused) {
    ASSERT_EQ(::mount(mounted_.path.c_str(), mounted_.path.c_str(), nullptr, MS_BIND, nullptr), 0);
    EXPECT_EQ(unmountCode(), Code::NotMounted);
    ASSERT_EQ(::umount(mounted_.path.c_str()), 0);
}

TEST_F(UnmountTest, OfWhatIsGoneIsRefused) {
    ASSERT_EQ(::umount(mounted_.path.c_str()), 0);
    EXPECT_EQ(unmountCode(), Code::NotMounted);
    EXPECT_TRUE(fs::remove(mounted_.path));
    EXPECT_EQ(unmountCode(), Code::NotMounted);
}

TEST_F(UnmountTest, OfAMovedMountIsRefused) {
    fs::create_directory(path("elsewhere"));
    ASSERT_EQ(::mount(mounted_.path.c_str(), path("elsewhere").c_str(), nullptr, MS_MOVE, nullptr), 0);
    EXPECT_EQ(unmountCode(), Code::NotMounted);
    fs::remove(mounted_.path);
    mounted_.path = path("elsewhere");
    unmount(*kernel_, mounted_);
}

TEST_F(UnmountTest, ThroughASymlinkIsRefused) {
    fs::create_directory_symlink(mounted_.path, path("link"));
    EXPECT_EQ(errorOf([&] {
                  kernel_->unmount(mounted_.identity, path("link"), MountPointFate::Removed, UnmountMode::Now);
              }).code(),
              Code::NotMounted);
    fs::remove(path("link"));
    EXPECT_EQ(contentDifference(mounted_.path), "");
}

TEST_F(UnmountTest, OfABusyMountIsRefusedAndTheHolderIsNamed) {
    const std::string file = mounted_.path + "/share/numbers.txt";
    UniqueFd open{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    EXPECT_EQ(unmountCode(), Code::Busy);
    const auto holders = kernel_->holders(mounted_.device, 10);
    ASSERT_EQ(holders.size(), 1U);
    EXPECT_EQ(holders[0].pid, ::getpid());
    EXPECT_EQ(holders[0].name, "system-test");
    EXPECT_EQ(holders[0].path, file);
    open.reset();
    EXPECT_TRUE(kernel_->holders(mounted_.device, 10).empty());
}

class WorkingDirectory {
public:
    explicit WorkingDirectory(const fs::path& directory) { fs::current_path(directory); }
    ~WorkingDirectory() {
        std::error_code error;
        fs::current_path(before_, error);
        EXPECT_FALSE(error) << before_ << ": " << error.message();
    }
    WorkingDirectory(const WorkingDirectory&) = delete;
    WorkingDirectory& operator=(const WorkingDirectory&) = delete;

private:
    fs::path before_ = fs::current_path();
};

TEST_F(UnmountTest, NamesAProcessThatMapsAFileOrWorksInside) {
    UniqueFd open{::open((mounted_.path + "/share/numbers.txt").c_str(), O_RDONLY | O_CLOEXEC)};
    void* mapping = ::mmap(nullptr, 1, PROT_READ, MAP_PRIVATE, open.get(), 0);
    ASSERT_NE(mapping, MAP_FAILED);
    open.reset();
    auto holders = kernel_->holders(mounted_.device, 10);
    ASSERT_EQ(holders.size(), 1U);
    EXPECT_EQ(holders[0].path, mounted_.path + "/share/numbers.txt");
    ::munmap(mapping, 1);

    {
        const WorkingDirectory inside{mounted_.path + "/share"};
        holders = kernel_->holders(mounted_.device, 10);
    }
    ASSERT_EQ(holders.size(), 1U);
    EXPECT_EQ(holders[0].path, mounted_.path + "/share");
    EXPECT_TRUE(kernel_->holders(mounted_.device, 0).empty());
}

TEST_F(UnmountTest, LazilyLetsABusyMountGoAndTheDeviceFollowsItsLastUser) {
    UniqueFd open{::open((mounted_.path + "/share/numbers.txt").c_str(), O_RDONLY | O_CLOEXEC)};
    kernel_->unmount(mounted_.identity, mounted_.path, MountPointFate::Removed, UnmountMode::Lazy);
    EXPECT_FALSE(fs::exists(mounted_.path));
    EXPECT_FALSE(kernel_->awaitRelease(mounted_.devices(), 20ms));
    open.reset();
    EXPECT_TRUE(kernel_->awaitRelease(mounted_.devices(), kPatience));
}

TEST_F(UnmountTest, DoesNotWaitForALoopDeviceThatServesAnotherFileByNow) {
    LoopBacking other = mounted_.backing;
    ++other.inode;
    EXPECT_TRUE(kernel_->awaitRelease({"", 0, mounted_.loop, other}, kPatience));
    other = mounted_.backing;
    other.offset += 4096;
    EXPECT_TRUE(kernel_->awaitRelease({"", 0, mounted_.loop, other}, 0ms));
    EXPECT_FALSE(kernel_->awaitRelease(mounted_.devices(), 0ms));
}

TEST_F(UnmountTest, LeavesACloneThatStillWorksElsewhere) {
    UniqueFd clone = kernel_->cloneMount(mounted_.identity, mounted_.path);
    kernel_->unmount(mounted_.identity, mounted_.path, MountPointFate::Removed, UnmountMode::Now);
    fs::create_directory(path("elsewhere"));
    ASSERT_EQ(::move_mount(clone.get(), "", AT_FDCWD, path("elsewhere").c_str(), MOVE_MOUNT_F_EMPTY_PATH), 0);
    EXPECT_EQ(contentDifference(path("elsewhere")), "");
    const std::string line = mountInfoLine(path("elsewhere"));
    EXPECT_NE(line.find(" ro,nosuid,nodev"), std::string::npos) << line;
    EXPECT_EQ(line.find("shared:"), std::string::npos) << line;
    clone.reset();
    ASSERT_EQ(::umount(path("elsewhere").c_str()), 0);
    EXPECT_TRUE(fs::remove(path("elsewhere")));
    EXPECT_TRUE(kernel_->awaitRelease(mounted_.devices(), kPatience));
}

TEST_F(UnmountTest, ACloneOfASharedMountIsPrivate) {
    ASSERT_EQ(::mount("none", mounted_.path.c_str(), nullptr, MS_SHARED, nullptr), 0);
    UniqueFd clone = kernel_->cloneMount(mounted_.identity, mounted_.path);
    fs::create_directory(path("elsewhere"));
    ASSERT_EQ(::move_mount(clone.get(), "", AT_FDCWD, path("elsewhere").c_str(), MOVE_MOUNT_F_EMPTY_PATH), 0);
    const std::string line = mountInfoLine(path("elsewhere"));
    EXPECT_FALSE(line.empty());
    EXPECT_EQ(line.find("shared:"), std::string::npos) << line;
    clone.reset();
    ASSERT_EQ(::umount(path("elsewhere").c_str()), 0);
    EXPECT_TRUE(fs::remove(path("elsewhere")));
}

TEST_F(UnmountTest, OfAnotherMountThanMeantIsNotCloned) {
    ASSERT_EQ(::mount("test", mounted_.path.c_str(), "tmpfs", 0, nullptr), 0);
    EXPECT_EQ(errorOf([&] { kernel_->cloneMount(mounted_.identity, mounted_.path); }).code(), Code::NotMounted);
    ASSERT_EQ(::umount(mounted_.path.c_str()), 0);
}

}  // namespace
}  // namespace northstar
