// SPDX-License-Identifier: Apache-2.0
// Loop devices, both with LOOP_CONFIGURE and as older kernels make them.
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <future>
#include <set>
#include <thread>

#include "system/sandbox.h"

namespace northstar {
namespace {

using namespace std::chrono_literals;

class LoopTest : public KernelTest, public testing::WithParamInterface<Calls> {
protected:
    void SetUp() override {
        KernelTest::SetUp();
        kernel_ = makeLinuxKernel({.loop = GetParam()});
    }
};

INSTANTIATE_TEST_SUITE_P(Configure, LoopTest, testing::Values(Calls::Newest));
INSTANTIATE_TEST_SUITE_P(SetFdAndStatus, LoopTest, testing::Values(Calls::Old));

loop_info64 infoOf(const std::string& path) {
    const UniqueFd device{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    loop_info64 info{};
    EXPECT_EQ(::ioctl(device.get(), LOOP_GET_STATUS64, &info), 0) << path;
    return info;
}

std::string attribute(const std::string& path, const std::string& name) {
    std::ifstream file{"/sys/block/" + path.substr(5) + "/" + name};
    std::string value;
    file >> value;
    return value;
}

TEST_P(LoopTest, ShowsTheImageInsideThePackage) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const auto loop = kernel_->attachLoop(package.loop());
    const UniqueFd device{::open(loop->path().c_str(), O_RDONLY | O_CLOEXEC)};
    std::string inDevice(package.image.size, '\0'), inFile(package.image.size, '\0');
    ASSERT_EQ(::pread(device.get(), inDevice.data(), inDevice.size(), 0), static_cast<ssize_t>(inDevice.size()));
    ASSERT_EQ(::pread(package.fd.get(), inFile.data(), inFile.size(), static_cast<off_t>(package.image.offset)),
              static_cast<ssize_t>(inFile.size()));
    EXPECT_EQ(inDevice, inFile);
    EXPECT_EQ(::lseek(device.get(), 0, SEEK_END), static_cast<off_t>(package.image.size));
}

// Between the steps of old kernels the device shows the file from its beginning. Who reads it then (udev does) leaves
// that in the page cache.
using LoopInStepsTest = KernelTest;

TEST_F(LoopInStepsTest, IsMadeOnlyWhereNobodyReads) {
    kernel_ = makeLinuxKernel({.loop = Calls::Old});
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const UniqueFd control{::open("/dev/loop-control", O_RDWR | O_CLOEXEC)};
    const int next = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    ASSERT_GE(next, 0);
    const std::string path = "/dev/loop" + std::to_string(next);
    const UniqueFd reader{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    // As udev does, which may do so, too: systemd's BLOCK_DEVICE_LOCKING.
    ASSERT_TRUE(eventually([&] { return ::flock(reader.get(), LOCK_SH | LOCK_NB) == 0; }));
    auto loop = std::async(std::launch::async, [&] { return kernel_->attachLoop(package.loop()); });
    EXPECT_EQ(loop.wait_for(100ms), std::future_status::timeout);
    ASSERT_EQ(::flock(reader.get(), LOCK_UN), 0);
    ASSERT_EQ(loop.wait_for(10s), std::future_status::ready);
    const auto device = loop.get();
    EXPECT_EQ(device->path(), path);
    EXPECT_TRUE(eventually([&] { return ::flock(reader.get(), LOCK_EX | LOCK_NB) == 0; })) << "it is still locked";
}

TEST_P(LoopTest, IsReadOnlyAndClearsItself) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const auto loop = kernel_->attachLoop(package.loop());
    const loop_info64 info = infoOf(loop->path());
    EXPECT_TRUE(info.lo_flags & LO_FLAGS_READ_ONLY);
    EXPECT_TRUE(info.lo_flags & LO_FLAGS_AUTOCLEAR);
    EXPECT_EQ(attribute(loop->path(), "ro"), "1");
}

TEST_P(LoopTest, HasBlocksOf4096BytesWhereTheImageIsAligned) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const auto aligned = kernel_->attachLoop(package.loop());
    EXPECT_EQ(attribute(aligned->path(), "queue/logical_block_size"), "4096");
    const auto shifted = kernel_->attachLoop({package.fd.get(), {512, 8192}, 5s});
    EXPECT_EQ(attribute(shifted->path(), "queue/logical_block_size"), "512");
}

TEST_P(LoopTest, IsFreeAgainWhenLetGo) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    auto loop = kernel_->attachLoop(package.loop());
    const std::string path = loop->path();
    EXPECT_EQ(sandboxLoops(), std::vector<std::string>{path});
    loop.reset();
    EXPECT_TRUE(eventually([] { return sandboxLoops().empty(); }));  // udevd may have it open for a moment
}

TEST_P(LoopTest, TellsItsBackingFile) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    struct stat file{};
    ASSERT_EQ(::fstat(package.fd.get(), &file), 0);
    auto loop = kernel_->attachLoop(package.loop());
    const std::string path = loop->path();
    const LoopBacking backing{file.st_dev, file.st_ino, package.image.offset};
    EXPECT_EQ(kernel_->loopBacking(path), backing);
    loop.reset();
    EXPECT_TRUE(eventually([&] { return kernel_->loopBacking(path) != backing; }));  // as above
}

TEST_P(LoopTest, AcceptsAMemfd) {
    const UniqueFd memory{::memfd_create("northstar-test", MFD_CLOEXEC)};
    ASSERT_EQ(::ftruncate(memory.get(), 65536), 0);
    const auto loop = kernel_->attachLoop({memory.get(), {4096, 8192}, 5s});
    EXPECT_EQ(infoOf(loop->path()).lo_sizelimit, 8192U);
}

TEST_P(LoopTest, ManyThreadsGetADeviceEach) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    constexpr int kThreads = 16;
    std::vector<std::unique_ptr<Device>> devices(kThreads);
    std::vector<std::thread> threads;
    std::atomic<int> failures = 0;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
            try {
                for (int round = 0; round < 4; ++round) {
                    devices[static_cast<std::size_t>(i)].reset();
                    devices[static_cast<std::size_t>(i)] = kernel_->attachLoop(package.loop());
                }
            } catch (const Error& error) {
                ++failures;
                std::fputs((std::string{error.what()} + "\n").c_str(), stderr);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    ASSERT_EQ(failures, 0);
    std::set<dev_t> numbers;
    for (const auto& device : devices) {
        numbers.insert(device->number());
        EXPECT_EQ(infoOf(device->path()).lo_offset, package.image.offset);
    }
    EXPECT_EQ(numbers.size(), kThreads);
}

TEST_P(LoopTest, OfNothingIsRefused) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    EXPECT_EQ(errorOf([&] { kernel_->attachLoop({package.fd.get(), {4096, 0}, 1s}); }).code(), Code::InvalidArgs);
    EXPECT_EQ(errorOf([&] { kernel_->attachLoop({package.fd.get(), {4095, 4096}, 1s}); }).code(), Code::InvalidArgs);
}

TEST_P(LoopTest, OfAnUnusableDescriptorFailsAndLeavesNothing) {
    const UniqueFd directory{::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    EXPECT_EQ(errorOf([&] { kernel_->attachLoop({directory.get(), {0, 4096}, 1s}); }).code(), Code::Failed);
    EXPECT_EQ(errorOf([&] { kernel_->attachLoop({-1, {0, 4096}, 1s}); }).code(), Code::Failed);
}

}  // namespace
}  // namespace northstar
