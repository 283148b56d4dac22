// SPDX-License-Identifier: Apache-2.0
// Taking down exactly the mount that is meant, and telling who is in the way.
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
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
        return errorOf([&] { kernel_->unmount(mounted_.identity, mounted_.path, mounted_.made, mode); }).code();
    }

    Mounted mounted_;
};

TEST_F(UnmountTest, RemovesDirectoryAndDeviceAtOnce) {
    // udevd may have the device open for a moment; without it there is nothing to wait for.
    const auto patience = fs::exists("/run/udev/control") ? kPatience : 0s;
    kernel_->unmount(mounted_.identity, mounted_.path, mounted_.made, UnmountMode::Now);
    EXPECT_TRUE(kernel_->awaitRelease(mounted_.devices(), patience));
    EXPECT_FALSE(fs::exists(mounted_.path));
    EXPECT_EQ(sandboxLoops(), std::vector<std::string>{});
}

TEST_F(UnmountTest, KeepsTheDirectoryIfNotAskedToRemoveIt) {
    kernel_->unmount(mounted_.identity, mounted_.path, MadeDirectory{}, UnmountMode::Now);
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
    looks.push_back(
        repeat([&](const Mounted& now) { (void)kernel_->cloneMount(now.identity, now.path, CloneFor::Root); }));
    for (int round = 0; round < 50; ++round) {
        try {
            kernel_->unmount(mounted_.identity, mounted_.path, mounted_.made, UnmountMode::Now);
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
    EXPECT_EQ(unmountCode(), Code::Busy);
    EXPECT_EQ(unmountCode(UnmountMode::Lazy), Code::Busy);
    EXPECT_EQ(kernel_->mountsInside(mounted_.identity, mounted_.path), std::vector{mounted_.path});
    ASSERT_EQ(::umount(mounted_.path.c_str()), 0);
    EXPECT_EQ(contentDifference(mounted_.path), "");
}

TEST_F(UnmountTest, OfAnotherMountOfTheSameDeviceIsRefused) {
    ASSERT_EQ(::mount(mounted_.path.c_str(), mounted_.path.c_str(), nullptr, MS_BIND, nullptr), 0);
    EXPECT_EQ(unmountCode(), Code::Busy);
    ASSERT_EQ(::umount(mounted_.path.c_str()), 0);
}

TEST_F(UnmountTest, OfWhatIsGoneIsRefused) {
    ASSERT_EQ(::umount(mounted_.path.c_str()), 0);
    EXPECT_EQ(unmountCode(), Code::NotMounted);
    EXPECT_TRUE(fs::remove(mounted_.path));
    EXPECT_EQ(unmountCode(), Code::NotMounted);
}

TEST_F(UnmountTest, OfAMovedMountFindsItAndRemovesTheDirectoryThatWasMadeForIt) {
    fs::create_directory(path("elsewhere"));
    ASSERT_EQ(::mount(mounted_.path.c_str(), path("elsewhere").c_str(), nullptr, MS_MOVE, nullptr), 0);
    unmount(*kernel_, mounted_);
    EXPECT_FALSE(fs::exists(mounted_.path));
    EXPECT_TRUE(fs::remove(path("elsewhere"))) << "a directory that was not ours is gone";
}

TEST_F(UnmountTest, FollowsTheDirectoryThatWasMadeAndLeavesAnotherOfItsName) {
    unmount(*kernel_, mounted_);
    fs::create_directory(path("above"));
    mounted_ = mount(*kernel_, copyPackage("signed/hello-xz-1.0.0.npk"), path("above/hello"));
    fs::rename(path("above"), path("renamed"));
    fs::create_directories(path("above/hello"));
    EXPECT_TRUE(kernel_->cloneMount(mounted_.identity, mounted_.path, CloneFor::Anybody));
    unmount(*kernel_, mounted_);
    EXPECT_FALSE(fs::exists(path("renamed/hello")));
    EXPECT_TRUE(fs::exists(path("above/hello")));
    for (const char* name : {"above", "renamed"}) fs::remove_all(path(name));
}

TEST_F(UnmountTest, WithoutAnythingToOpenItByIsNoProofThatItIsNotMounted) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit none = before;
    none.rlim_cur = 0;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    const Error unmounting = errorOf([&] { unmount(*kernel_, mounted_); });
    const Error cloning = errorOf([&] { kernel_->cloneMount(mounted_.identity, mounted_.path, CloneFor::Root); });
    const Error asking = errorOf([&] { static_cast<void>(kernel_->loopBacking(mounted_.loop)); });
    const Error waiting = errorOf([&] { static_cast<void>(kernel_->awaitRelease(mounted_.devices(), 0ms)); });
    const Error origin = errorOf([&] { static_cast<void>(kernel_->originOf(STDIN_FILENO)); });
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    for (const Error* error : {&unmounting, &cloning, &asking, &waiting, &origin}) {
        EXPECT_EQ(error->code(), Code::Failed);
        EXPECT_MENTIONS(*error, "EMFILE");
    }
}

TEST_F(UnmountTest, FollowsNoSymlink) {
    fs::create_directory_symlink(mounted_.path, path("link"));
    MountIdentity another = mounted_.identity;
    ++another.id;
    if (another.uniqueId != 0) ++another.uniqueId;
    EXPECT_EQ(errorOf([&] { kernel_->unmount(another, path("link"), mounted_.made, UnmountMode::Now); }).code(),
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

TEST_F(UnmountTest, TellsWhatIsMountedInside) {
    EXPECT_TRUE(kernel_->mountsInside(mounted_.identity, mounted_.path).empty());
    const std::string inner = mounted_.path + "/share", innermost = inner + "/x";
    ASSERT_EQ(::mount("test", inner.c_str(), "tmpfs", 0, nullptr), 0);
    ASSERT_EQ(::mkdir(innermost.c_str(), 0755), 0);
    ASSERT_EQ(::mount("test", innermost.c_str(), "tmpfs", 0, nullptr), 0);
    EXPECT_EQ(kernel_->mountsInside(mounted_.identity, mounted_.path), (std::vector<std::string>{inner, innermost}));
    EXPECT_EQ(kernel_->mountsInside({0, 0, mounted_.identity.device}, mounted_.path).size(), 2U);
    ASSERT_EQ(::umount2(innermost.c_str(), 0), 0);
    ASSERT_EQ(::umount2(inner.c_str(), 0), 0);
}

TEST_F(UnmountTest, LazilyLetsABusyMountGoAndTheDeviceFollowsItsLastUser) {
    UniqueFd open{::open((mounted_.path + "/share/numbers.txt").c_str(), O_RDONLY | O_CLOEXEC)};
    kernel_->unmount(mounted_.identity, mounted_.path, mounted_.made, UnmountMode::Lazy);
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
    UniqueFd clone = kernel_->cloneMount(mounted_.identity, mounted_.path, CloneFor::Anybody);
    kernel_->unmount(mounted_.identity, mounted_.path, mounted_.made, UnmountMode::Now);
    fs::create_directory(path("elsewhere"));
    ASSERT_EQ(::move_mount(clone.get(), "", AT_FDCWD, path("elsewhere").c_str(), MOVE_MOUNT_F_EMPTY_PATH), 0);
    EXPECT_EQ(contentDifference(path("elsewhere")), "");
    const std::string line = mountInfoLine(path("elsewhere"));
    EXPECT_NE(line.find(" ro,nosuid,nodev"), std::string::npos) << line;
    for (const char* peers : {"shared:", "master:"}) EXPECT_EQ(line.find(peers), std::string::npos) << line;
    clone.reset();
    ASSERT_EQ(::umount(path("elsewhere").c_str()), 0);
    EXPECT_TRUE(fs::remove(path("elsewhere")));
    EXPECT_TRUE(kernel_->awaitRelease(mounted_.devices(), kPatience));
}

TEST_F(UnmountTest, ACloneOfASharedMountIsPrivate) {
    ASSERT_EQ(::mount("none", mounted_.path.c_str(), nullptr, MS_SHARED, nullptr), 0);
    UniqueFd clone = kernel_->cloneMount(mounted_.identity, mounted_.path, CloneFor::Anybody);
    fs::create_directory(path("elsewhere"));
    ASSERT_EQ(::move_mount(clone.get(), "", AT_FDCWD, path("elsewhere").c_str(), MOVE_MOUNT_F_EMPTY_PATH), 0);
    const std::string line = mountInfoLine(path("elsewhere"));
    EXPECT_FALSE(line.empty());
    for (const char* peers : {"shared:", "master:"}) EXPECT_EQ(line.find(peers), std::string::npos) << line;
    clone.reset();
    ASSERT_EQ(::umount(path("elsewhere").c_str()), 0);
    EXPECT_TRUE(fs::remove(path("elsewhere")));
}

// Whoever has made a user and a mount namespace is root there, and could use what device nodes the package brings.
TEST_F(UnmountTest, NobodyTakesTheFlagsOfACloneOff) {
    fs::create_directory(path("elsewhere"));
    const UniqueFd clone = kernel_->cloneMount(mounted_.identity, mounted_.path, CloneFor::Anybody);
    const std::string elsewhere = path("elsewhere");
    const auto errorsInNamespace = [&]() -> int {  // of the attempts, one a bit: 0 if all were refused with EPERM
        if (::setresuid(65534, 65534, 65534) != 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return 0x40;
        const auto isRefused = [&](std::uint64_t attribute) {
            mount_attr change{};
            change.attr_clr = attribute;
            return ::mount_setattr(clone.get(), "", AT_EMPTY_PATH, &change, sizeof change) != 0 && errno == EPERM;
        };
        int failures = 0;
        const std::array attributes{MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV};
        for (unsigned at = 0; at < attributes.size(); ++at) failures |= isRefused(attributes[at]) ? 0 : 1 << at;
        if (::move_mount(clone.get(), "", AT_FDCWD, elsewhere.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) failures |= 8;
        if (!isRefused(MOUNT_ATTR_NODEV)) failures |= 16;
        if (::mount(nullptr, elsewhere.c_str(), nullptr, MS_REMOUNT | MS_BIND, nullptr) == 0) failures |= 32;
        return failures;
    };
    const pid_t child = ::fork();
    if (child == 0) ::_exit(errorsInNamespace());
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "0x" << std::hex << status;
    EXPECT_TRUE(fs::remove(path("elsewhere")));
}

TEST_F(UnmountTest, OfAnotherMountThanMeantIsNotCloned) {
    ASSERT_EQ(::mount("test", mounted_.path.c_str(), "tmpfs", 0, nullptr), 0);
    EXPECT_EQ(errorOf([&] { kernel_->cloneMount(mounted_.identity, mounted_.path, CloneFor::Anybody); }).code(),
              Code::Busy);
    ASSERT_EQ(::umount(mounted_.path.c_str()), 0);
}

}  // namespace
}  // namespace northstar
