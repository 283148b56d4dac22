// SPDX-License-Identifier: Apache-2.0
// Mounting and unmounting as steps: a failure at any of them leaves nothing behind.
#include "engine/mount_steps.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "engine/recovery.h"
#include "support/expect_error.h"
#include "support/fake_kernel.h"
#include "support/temporary_directory.h"
#include "support/test_data.h"

namespace northstar::test {
namespace {

class MountStepsTest : public testing::Test {
protected:
    MountPlan plan(std::uint32_t id = 1) const {
        KeyRing keys;
        keys.add(loadPublicKey(dataPath("keys/golden.pub")));
        MountPlan made{.how = {}};
        made.id = id;
        made.package = std::make_shared<const Package>(
            openPackage(openData("signed/fonts-2.3.4.npk"), keys, SignaturePolicy::Required, "fonts"));
        made.container = made.package->manifest.containerName();
        made.mountPoint = "/m/" + std::to_string(id);
        return made;
    }
    std::size_t stateFiles() const {
        const std::filesystem::directory_iterator files{directory_ / "mounts"};
        return static_cast<std::size_t>(std::distance(begin(files), end(files)));
    }

    TemporaryDirectory directory_;
    FakeKernel kernel_;
    MountSteps steps_{kernel_, directory_.path()};
};

TEST_F(MountStepsTest, LeavesLoopVerityDirectoryMountAndRecord) {
    const MountRecord record = steps_.mount(plan());
    EXPECT_EQ(kernel_.live(), (std::vector<std::string>{"/dev/dm-0", "/dev/loop0", "dir /m/1", "mount /m/1"}));
    EXPECT_EQ(record.container(), "fonts:2.3.4");
    EXPECT_TRUE(record.verified);
    EXPECT_TRUE(record.made.isThere());
    EXPECT_EQ(stateFiles(), 1U);
}

TEST_F(MountStepsTest, StepsRunInTheirOrder) {
    static_cast<void>(steps_.mount(plan()));
    EXPECT_EQ(kernel_.calls(),
              (std::vector<std::string>{"attachLoop", "openVerity", "mountDetached", "makeMountPoint", "attach"}));
}

TEST_F(MountStepsTest, FailureAtEveryStepLeavesNothing) {
    for (std::size_t at = 0; at < 5; ++at) {
        kernel_.failAt(at, Error{Code::Timeout, "ordered"});
        expectError(Code::Timeout, "ordered", [&] { static_cast<void>(steps_.mount(plan())); });
        EXPECT_EQ(kernel_.live(), std::vector<std::string>{}) << at;
        EXPECT_EQ(stateFiles(), 0U) << at;
    }
}

TEST_F(MountStepsTest, AFailureIsToldWhenNobodyHoldsADeviceAnyMore) {
    FakeKernel::Gate gate{kernel_, "mountDetached"};
    std::jthread udev{[&] {
        ASSERT_TRUE(gate.waitFor(1));
        kernel_.openDevice("/dev/loop0");
        gate.open();
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
        kernel_.closeDevice("/dev/loop0");
    }};
    kernel_.failNext("mountDetached", Error{Code::Failed, "ordered"});
    expectError(Code::Failed, "ordered", [&] { static_cast<void>(steps_.mount(plan())); });
    EXPECT_EQ(kernel_.live(), std::vector<std::string>{});
}

TEST_F(MountStepsTest, ADirectoryThatWasThereStaysAfterAFailure) {
    kernel_.addDirectory("/m/1");
    kernel_.failNext("attach", Error{Code::Failed, "ordered"});
    expectError(Code::Failed, "ordered", [&] { static_cast<void>(steps_.mount(plan())); });
    EXPECT_EQ(kernel_.live(), std::vector<std::string>{"dir /m/1"});
}

// So that the next start removes the directory, should this process be killed in between.
TEST_F(MountStepsTest, IsOnRecordBeforeTheMountPointIsMade) {
    FakeKernel::Gate gate{kernel_, "makeMountPoint"};
    std::thread mounting{[this] { static_cast<void>(steps_.mount(plan())); }};
    EXPECT_TRUE(gate.waitFor(1));
    const auto records = steps_.state().load();
    gate.open();
    mounting.join();
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].mountPoint, "/m/1");
    EXPECT_EQ(records[0].made.path, "/m/1");
}

TEST_F(MountStepsTest, AFailureNamesTheContainer) {
    kernel_.failNext("attach", Error{Code::Unsupported, "ordered"});
    expectError(Code::Unsupported, "Cannot mount " + plan().package->manifest.container() + ": ordered",
                [&] { static_cast<void>(steps_.mount(plan())); });
}

TEST_F(MountStepsTest, AFullStateDirectoryUndoesTheMount) {
    std::filesystem::create_directory(directory_ / "mounts/1.toml");  // the record cannot be renamed onto it
    expectError(Code::Failed, "1.toml", [&] { static_cast<void>(steps_.mount(plan())); });
    EXPECT_EQ(kernel_.live(), std::vector<std::string>{});
}

TEST_F(MountStepsTest, AVerifiedPackageIsNeverMountedWithoutVerity) {
    kernel_.setVerityAvailable(false);
    expectError(Code::Unsupported, "CONFIG_DM_VERITY", [&] { static_cast<void>(steps_.mount(plan())); });
    EXPECT_TRUE(kernel_.calls().empty());
}

TEST_F(MountStepsTest, ASealedCopyNeedsNoVerity) {
    kernel_.setVerityAvailable(false);
    auto sealed = plan();
    sealed.verification = Verification::Sealed;
    const MountRecord record = steps_.mount(sealed);
    EXPECT_TRUE(record.verified);
    EXPECT_EQ(record.device, "/dev/loop0");
}

TEST_F(MountStepsTest, MountsOfOneImageShareOneSealedCopyUntilTheLastIsGone) {
    auto first = plan(1), second = plan(2);
    first.verification = second.verification = Verification::Sealed;
    const MountRecord one = steps_.mount(first), two = steps_.mount(second);
    EXPECT_NE(one.loopDevice, two.loopDevice);
    EXPECT_EQ(one.backing, two.backing);
    const MountRecord third = steps_.mount(plan(3));  // through dm-verity
    EXPECT_EQ(steps_.sealedImages().size(), 1U);
    steps_.unmount(one, UnmountMode::Now);
    EXPECT_EQ(steps_.sealedImages().size(), 1U);
    steps_.unmount(two, UnmountMode::Now);
    EXPECT_EQ(steps_.sealedImages().size(), 0U);
    steps_.unmount(third, UnmountMode::Now);
}

TEST_F(MountStepsTest, ASealedCopyGoesWithAMountThatSomebodyElseTookDown) {
    auto sealed = plan();
    sealed.verification = Verification::Sealed;
    const MountRecord record = steps_.mount(sealed);
    EXPECT_EQ(steps_.sealedImages().size(), 1U);
    kernel_.unmountExternally("/m/1");
    steps_.cleanUpAfterExternalUnmount(record);
    EXPECT_EQ(steps_.sealedImages().size(), 0U);
}

TEST_F(MountStepsTest, UnmountLeavesNothing) {
    const MountRecord record = steps_.mount(plan());
    EXPECT_TRUE(steps_.unmount(record, UnmountMode::Now));
    EXPECT_EQ(kernel_.live(), std::vector<std::string>{});
    EXPECT_EQ(stateFiles(), 0U);
}

TEST_F(MountStepsTest, UnmountDoesNotSleepUntilOthersLetGoOfTheDevice) {
    const MountRecord record = steps_.mount(plan());
    kernel_.openDevice("/dev/dm-0");
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_FALSE(steps_.unmount(record, UnmountMode::Now));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{1});
    EXPECT_FALSE(steps_.releaseDevices(record));
    kernel_.closeDevice("/dev/dm-0");
    EXPECT_TRUE(steps_.releaseDevices(record));
    EXPECT_EQ(kernel_.live(), std::vector<std::string>{});
}

TEST_F(MountStepsTest, SaysWhichDeviceIsLeft) {
    const MountRecord record = steps_.mount(plan());
    kernel_.openDevice("/dev/dm-0");
    kernel_.openDevice("/dev/loop0");
    EXPECT_FALSE(steps_.unmount(record, UnmountMode::Now));
    EXPECT_EQ(steps_.deviceLeft(record), "/dev/dm-0");
    kernel_.closeDevice("/dev/dm-0");
    EXPECT_EQ(steps_.deviceLeft(record), "/dev/loop0");
    kernel_.closeDevice("/dev/loop0");
}

TEST_F(MountStepsTest, HoldersElsewhereAreNamedWithoutTheirPathsUnlessRootAsks) {
    const MountRecord record = steps_.mount(plan());
    kernel_.keepBusy("/m/1", {{42, "cat", "/home/bob/secret/file"}, {43, "cat", "/m/10"}});
    EXPECT_EQ(steps_.describeHolders(record, 1000), "42 (cat), 43 (cat)");
    EXPECT_EQ(steps_.describeHolders(record, 0), "42 (cat, /home/bob/secret/file), 43 (cat, /m/10)");
    EXPECT_EQ(steps_.holders(record, 1000).front().path, "");
}

TEST_F(MountStepsTest, BusyUnmountKeepsTheMountAndNamesTheHolder) {
    const MountRecord record = steps_.mount(plan());
    kernel_.keepBusy("/m/1", {{42, "cat", "/m/1/file"}});
    expectError(Code::Busy, "/m/1", [&] { steps_.unmount(record, UnmountMode::Now); });
    EXPECT_EQ(steps_.describeHolders(record, 1000), "42 (cat, /m/1/file)");
    EXPECT_EQ(stateFiles(), 1U);
    EXPECT_EQ(kernel_.live().size(), 4U);
}

TEST_F(MountStepsTest, UnmountTakesDownExactlyItsOwnMount) {
    const MountRecord record = steps_.mount(plan());
    kernel_.unmountExternally("/m/1");
    auto other = plan(2);
    other.mountPoint = "/m/1";
    const MountRecord newer = steps_.mount(other);
    expectError(Code::NotMounted, "/m/1", [&] { steps_.unmount(record, UnmountMode::Now); });
    EXPECT_NO_THROW(steps_.unmount(newer, UnmountMode::Now));
}

TEST_F(MountStepsTest, RecoveryAdoptsWhatIsMountedAndForgetsTheRest) {
    const MountRecord kept = steps_.mount(plan(1));
    static_cast<void>(steps_.mount(plan(2)));
    kernel_.unmountExternally("/m/2");
    const auto adopted = recoverMounts(steps_);
    ASSERT_EQ(adopted.size(), 1U);
    EXPECT_EQ(adopted[0].id, kept.id);
    EXPECT_EQ(adopted[0].identity, kept.identity);
    EXPECT_EQ(adopted[0].mountedAt, kept.mountedAt);
    EXPECT_EQ(kernel_.live(), (std::vector<std::string>{"/dev/dm-0", "/dev/loop0", "dir /m/1", "mount /m/1"}));
    EXPECT_EQ(stateFiles(), 1U);
}

TEST_F(MountStepsTest, RecoveryDoesNotTrustAReusedDeviceNumber) {
    static_cast<void>(steps_.mount(plan(1)));
    const auto records = steps_.state().load();
    kernel_.unmountExternally("/m/1");
    const MountRecord newer = steps_.mount(plan(2));
    ASSERT_EQ(newer.identity.device, records.at(0).identity.device);
    const auto adopted = recoverMounts(steps_);
    ASSERT_EQ(adopted.size(), 1U);
    EXPECT_EQ(adopted[0].id, 2U);
}

TEST_F(MountStepsTest, VanishedMountsAreFoundInOnePass) {
    std::vector<MountRecord> records;
    for (std::uint32_t id = 1; id <= 3; ++id) records.push_back(steps_.mount(plan(id)));
    kernel_.unmountExternally("/m/2");
    const auto before = kernel_.calls().size();
    const auto vanished = findChanges(kernel_, records).vanished;
    ASSERT_EQ(vanished.size(), 1U);
    EXPECT_EQ(vanished[0].mountPoint, "/m/2");
    EXPECT_EQ(kernel_.calls().size(), before + 1);
}

// Shows once what was at that path while the table was read, and gone when it was asked which mount it is.
class OldTable : public FakeKernel {
public:
    explicit OldTable(MountTableEntry seen) : seen_{std::move(seen)} {}
    std::vector<MountTableEntry> mountsOn(const std::vector<dev_t>& devices) override {
        auto found = FakeKernel::mountsOn(devices);
        if (seen_) found.push_back(*std::exchange(seen_, std::nullopt));
        return found;
    }

private:
    std::optional<MountTableEntry> seen_;
};

TEST_F(MountStepsTest, AMountThatTookItsNumberAndWentIsNoMove) {
    const MountRecord gone = steps_.mount(plan(1));
    OldTable kernel{{{gone.identity.id, 0, gone.identity.device}, "/m/other"}};
    const TableChanges changes = findChanges(kernel, {gone});
    EXPECT_TRUE(changes.moved.empty());
    EXPECT_EQ(changes.vanished.size(), 1U);
}

}  // namespace
}  // namespace northstar::test
