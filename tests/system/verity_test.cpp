// SPDX-License-Identifier: Apache-2.0
// dm-verity devices. Where the kernel has no dm-verity, that it says so is all that can be tested.
#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "kernel/linux/device_mapper.h"
#include "system/sandbox.h"

namespace northstar {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class VerityTest : public KernelTest {
protected:
    void SetUp() override {
        KernelTest::SetUp();
        if (!IsSkipped() && !kernel_->verityAvailable()) GTEST_SKIP() << "this kernel has no dm-verity";
    }
};

class NoVerityTest : public KernelTest {};

TEST_F(NoVerityTest, WithoutDmVerityTheKernelOptionIsNamed) {
    if (kernel_->verityAvailable()) GTEST_SKIP() << "this kernel has dm-verity";
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const auto loop = kernel_->attachLoop(package.loop());
    const auto error = errorOf([&] { kernel_->openVerity(*loop, uniqueTable(package)); });
    EXPECT_EQ(error.code(), Code::Unsupported);
    EXPECT_MENTIONS(error, "CONFIG_DM_VERITY");
    EXPECT_MENTIONS(error, "verification = \"sealed\"");
    EXPECT_EQ(kernel_->removeStaleDevices({}), 0U);
    EXPECT_EQ(kernel_->verityUuid(loop->number()), "");
}

dm_info infoOf(const std::string& uuid) {
    DmTask task{DM_DEVICE_INFO};
    task.setUuid(uuid);
    dm_info info{};
    EXPECT_EQ(task.run(), 0);
    EXPECT_EQ(dm_task_get_info(task.get(), &info), 1);
    return info;
}

dev_t numberOf(const std::string& uuid) {
    const dm_info info = infoOf(uuid);
    return makedev(info.major, info.minor);
}

std::string tableOf(const std::string& uuid) {
    DmTask task{DM_DEVICE_TABLE};
    task.setUuid(uuid);
    EXPECT_EQ(task.run(), 0);
    std::uint64_t start = 0, length = 0;
    char *type = nullptr, *parameters = nullptr;
    dm_get_next_target(task.get(), nullptr, &start, &length, &type, &parameters);
    return std::to_string(start) + " " + std::to_string(length) + " " + (type != nullptr ? type : "") + " " +
           (parameters != nullptr ? parameters : "");
}

// errno of reading one block of a device through a descriptor of its own; 0 if it could be read.
int readBlock(const std::string& path, std::uint64_t block) {
    const UniqueFd device{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT)};
    alignas(4096) static char buffer[4096];
    return ::pread(device.get(), buffer, sizeof buffer, static_cast<off_t>(block * 4096)) == 4096 ? 0 : errno;
}

TEST_F(VerityTest, ShowsTheFilesOfEverySignedPackage) {
    for (const std::string& name : signedPackages()) {
        const Mounted mounted = mountVerified(*kernel_, copyPackage(name), path("hello"));
        EXPECT_EQ(contentDifference(mounted.path), "") << name;
        unmount(*kernel_, mounted);
    }
}

TEST_F(VerityTest, HasTheTableOfThePackage) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const auto loop = kernel_->attachLoop(package.loop());
    const VerityTable wanted = uniqueTable(package);
    const auto verity = kernel_->openVerity(*loop, wanted);
    const std::string number = "7:" + std::to_string(minor(loop->number()));
    EXPECT_EQ(tableOf(wanted.uuid), "0 " + std::to_string(package.dataBlocks * 8) + " verity 1 " + number + " " +
                                        number + " 4096 4096 " + std::to_string(package.dataBlocks) + " " +
                                        std::to_string(package.hashStartBlock) + " sha256 " + package.rootHash + " " +
                                        (package.salt.empty() ? "-" : package.salt));
}

TEST_F(VerityTest, IsReadOnlyAndMarkedForDeferredRemoval) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const auto loop = kernel_->attachLoop(package.loop());
    const VerityTable table = uniqueTable(package);
    const auto verity = kernel_->openVerity(*loop, table);
    const dm_info info = infoOf(table.uuid);
    EXPECT_TRUE(info.exists);
    EXPECT_TRUE(info.read_only);
    EXPECT_TRUE(info.deferred_remove);
    EXPECT_EQ(info.open_count, 1);
    EXPECT_EQ(makedev(info.major, info.minor), verity->number());
    EXPECT_EQ(verity->path(), "/dev/dm-" + std::to_string(info.minor));
    EXPECT_EQ(kernel_->verityUuid(verity->number()), table.uuid);
}

TEST_F(VerityTest, PassesOnWhatToDoAboutCorruption) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const auto loop = kernel_->attachLoop(package.loop());
    for (const auto& [mode, option] : {std::pair{VerityMode::Restart, "1 restart_on_corruption"},
                                       std::pair{VerityMode::Panic, "1 panic_on_corruption"}}) {
        VerityTable table = uniqueTable(package);
        table.mode = mode;
        const auto verity = kernel_->openVerity(*loop, table);
        EXPECT_TRUE(tableOf(table.uuid).ends_with(option)) << tableOf(table.uuid);
    }
}

TEST_F(VerityTest, IsGoneAtOnceWhenNothingUsesIt) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    auto loop = kernel_->attachLoop(package.loop());
    auto verity = kernel_->openVerity(*loop, uniqueTable(package));
    const std::string node = verity->path();
    verity.reset();
    EXPECT_EQ(sandboxVerityDevices(), std::vector<std::string>{});
    EXPECT_FALSE(fs::exists(node));
    loop.reset();
    EXPECT_TRUE(eventually([] { return sandboxLoops().empty(); }));
}

TEST_F(VerityTest, IsGoneWhenUnmountedAndAwaited) {
    for (int i = 0; i < 5; ++i) {
        const Mounted mounted = mountVerified(*kernel_, copyPackage("signed/hello-xz-1.0.0.npk"), path("hello"));
        EXPECT_FALSE(kernel_->awaitRelease(mounted.devices(), 10ms));
        const std::string node = "/dev/dm-" + std::to_string(minor(mounted.device));
        EXPECT_TRUE(fs::exists(node));
        kernel_->unmount(mounted.identity, mounted.path, mounted.made, UnmountMode::Now);
        EXPECT_TRUE(kernel_->awaitRelease(mounted.devices(), kPatience));
        EXPECT_EQ(sandboxVerityDevices(), std::vector<std::string>{});
        EXPECT_EQ(sandboxLoops(), std::vector<std::string>{});
        EXPECT_FALSE(fs::exists(node)) << node;
    }
}

TEST_F(VerityTest, LeavesNoNodeInDevMapper) {
    const Mounted mounted = mountVerified(*kernel_, copyPackage("signed/hello-xz-1.0.0.npk"), path("hello"));
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator{"/dev/mapper"}) names.push_back(entry.path().filename());
    EXPECT_EQ(names, std::vector<std::string>{"control"});
    unmount(*kernel_, mounted);
}

TEST_F(VerityTest, AWrongRootHashIsCorruptedAndLeavesNothing) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const auto loop = kernel_->attachLoop(package.loop());
    VerityTable table = uniqueTable(package);
    table.rootHash[0] = table.rootHash[0] == '0' ? '1' : '0';
    const auto error = errorOf([&] { kernel_->openVerity(*loop, table); });
    EXPECT_EQ(error.code(), Code::Corrupted) << error.what();
    EXPECT_MENTIONS(error, table.rootHash);
    EXPECT_EQ(sandboxVerityDevices(), std::vector<std::string>{});
}

TEST_F(VerityTest, ADamagedFirstBlockIsCorrupted) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    package.damageBlock(0);
    const auto loop = kernel_->attachLoop(package.loop());
    EXPECT_EQ(errorOf([&] { kernel_->openVerity(*loop, uniqueTable(package)); }).code(), Code::Corrupted);
}

TEST_F(VerityTest, ADamagedTreeIsCorrupted) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    package.damageBlock(package.hashStartBlock);
    const auto loop = kernel_->attachLoop(package.loop());
    EXPECT_EQ(errorOf([&] { kernel_->openVerity(*loop, uniqueTable(package)); }).code(), Code::Corrupted);
}

TEST_F(VerityTest, ADamagedBlockCannotBeReadAndIsReported) {
    const TestPackage package = copyPackage("signed/hello-none-1.0.0.npk");
    const std::uint64_t damaged = package.dataBlocks / 2;
    package.damageBlock(damaged);
    const auto watch = kernel_->watchCorruption();
    const auto loop = kernel_->attachLoop(package.loop());
    const auto verity = kernel_->openVerity(*loop, uniqueTable(package));
    const std::string uuid = kernel_->verityUuid(verity->number());
    EXPECT_FALSE(kernel_->isCorrupted(uuid));
    for (std::uint64_t block = 0; block < package.dataBlocks; ++block) {
        EXPECT_EQ(readBlock(verity->path(), block), block == damaged ? EIO : 0) << block;
    }
    EXPECT_TRUE(kernel_->isCorrupted(uuid));
    std::vector<Corruption> events;
    const auto arrived = [&] {
        pollfd poll{watch->fd(), POLLIN, 0};
        ::poll(&poll, 1, 10);
        for (const Corruption& event : watch->read(100).blocks) events.push_back(event);
        return !events.empty();
    };
    ASSERT_TRUE(eventually(arrived));
    EXPECT_EQ(events[0].device, verity->number());
    EXPECT_EQ(events[0].block, damaged);
    EXPECT_FALSE(events[0].metadata);
    EXPECT_EQ(events[0].diskSequence, verity->diskSequence());
    EXPECT_NE(verity->diskSequence(), 0U);  // both guests' kernels have it
}

TEST_F(VerityTest, ADeviceThatIsGoneIsNotCorrupted) { EXPECT_FALSE(kernel_->isCorrupted("NORTHSTAR-gone")); }

TEST_F(VerityTest, APanicOnDataThatIsGoodDoesNotHappen) {
    const TestPackage package = copyPackage("signed/hello-none-1.0.0.npk");
    const auto loop = kernel_->attachLoop(package.loop());
    VerityTable table = uniqueTable(package);
    table.mode = VerityMode::Panic;
    const auto verity = kernel_->openVerity(*loop, table);
    for (std::uint64_t block = 0; block < package.dataBlocks; ++block) EXPECT_EQ(readBlock(verity->path(), block), 0);
}

TEST_F(VerityTest, ANameThatIsTakenFailsAndLeavesTheOther) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const auto loop = kernel_->attachLoop(package.loop());
    const VerityTable table = uniqueTable(package);
    const auto verity = kernel_->openVerity(*loop, table);
    EXPECT_EQ(errorOf([&] { kernel_->openVerity(*loop, table); }).code(), Code::Failed);
    EXPECT_EQ(sandboxVerityDevices().size(), 1U);
    EXPECT_EQ(readBlock(verity->path(), 0), 0);
}

// A device as a process leaves it that is killed before it could mark it for deferred removal.
void leaveDevice(const VerityTable& table) {
    DmTask task{DM_DEVICE_CREATE};
    task.setName(table.name);
    task.setUuid(table.uuid);
    ASSERT_EQ(task.run(), 0);
}

TEST_F(VerityTest, StaleDevicesAreRemovedExceptThoseToKeep) {
    const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
    const VerityTable stale = uniqueTable(package), kept = uniqueTable(package), foreign = [&] {
        VerityTable table = uniqueTable(package);
        table.uuid = "OTHER-" + table.uuid;
        return table;
    }();
    const Mounted mounted = mountVerified(*kernel_, package, path("hello"));
    for (const VerityTable& table : {stale, kept, foreign}) leaveDevice(table);
    EXPECT_EQ(kernel_->removeStaleDevices({kept.uuid}), 1U);
    EXPECT_FALSE(infoOf(stale.uuid).exists);
    EXPECT_TRUE(infoOf(kept.uuid).exists);
    EXPECT_TRUE(infoOf(foreign.uuid).exists);
    EXPECT_EQ(contentDifference(mounted.path), "");
    EXPECT_TRUE(kernel_->awaitRelease({kept.uuid, numberOf(kept.uuid), "", {}}, kPatience));
    EXPECT_TRUE(kernel_->awaitRelease({foreign.uuid, numberOf(foreign.uuid), "", {}}, kPatience));
    unmount(*kernel_, mounted);
}

TEST_F(VerityTest, ManyThreadsMountAndUnmount) {
    constexpr int kThreads = 8;
    std::vector<TestPackage> packages;
    for (int i = 0; i < kThreads; ++i) packages.push_back(copyPackage("signed/hello-xz-1.0.0.npk"));
    std::vector<VerityTable> tables;
    for (const TestPackage& package : packages) tables.push_back(uniqueTable(package));
    std::vector<std::thread> threads;
    std::atomic<int> done = 0;
    for (std::size_t i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
            for (int round = 0; round < 3; ++round) {
                const auto loop = kernel_->attachLoop(packages[i].loop());
                const auto verity = kernel_->openVerity(*loop, tables[i]);
                const auto point = kernel_->makeMountPoint(path("hello-" + std::to_string(i)));
                const auto detached = kernel_->mountDetached(*verity, {"squashfs", false, ""});
                detached->attach(*point);
                if (contentDifference(point->path()).empty()) ++done;
                kernel_->unmount(detached->identity(), point->path(), MadeDirectory{}, UnmountMode::Now);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(done, kThreads * 3);
}

}  // namespace
}  // namespace northstar
