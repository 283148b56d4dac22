// SPDX-License-Identifier: Apache-2.0
// Mounting and unmounting as steps: a failure at any of them leaves nothing behind.
#include "engine/mount_job.h"

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

class MountJob : public testing::Test {
protected:
    MountRequest request(std::uint32_t id = 1) const {
        KeyRing keys;
        keys.add(loadPublicKey(dataPath("keys/golden.pub")));
        MountRequest made;
        made.id = id;
        made.package = std::make_shared<const Package>(
            openPackage(openData("signed/fonts-2.3.4.npk"), keys, SignaturePolicy::Required, "fonts"));
        made.mountPoint = "/m/" + std::to_string(id);
        return made;
    }
    std::size_t stateFiles() const {
        const std::filesystem::directory_iterator files{directory_ / "mounts"};
        return static_cast<std::size_t>(std::distance(begin(files), end(files)));
    }

    TemporaryDirectory directory_;
    FakeKernel kernel_;
    StateStore state_{directory_.path()};
};

TEST_F(MountJob, LeavesLoopVerityDirectoryMountAndRecord) {
    const MountRecord record = mountPackage(kernel_, state_, request());
    EXPECT_EQ(kernel_.live(), (std::vector<std::string>{"/dev/dm-0", "/dev/loop0", "dir /m/1", "mount /m/1"}));
    EXPECT_EQ(record.container(), "fonts:2.3.4");
    EXPECT_TRUE(record.verified);
    EXPECT_TRUE(record.mountPointCreated);
    EXPECT_EQ(stateFiles(), 1U);
}

TEST_F(MountJob, StepsRunInTheirOrder) {
    static_cast<void>(mountPackage(kernel_, state_, request()));
    EXPECT_EQ(kernel_.calls(),
              (std::vector<std::string>{"attachLoop", "openVerity", "mountDetached", "makeMountPoint", "attach"}));
}

TEST_F(MountJob, FailureAtEveryStepLeavesNothing) {
    for (std::size_t at = 0; at < 5; ++at) {
        kernel_.failAt(at, Error{Code::Timeout, "ordered"});
        expectError(Code::Timeout, "ordered", [&] { static_cast<void>(mountPackage(kernel_, state_, request())); });
        EXPECT_EQ(kernel_.live(), std::vector<std::string>{}) << at;
        EXPECT_EQ(stateFiles(), 0U) << at;
    }
}

TEST_F(MountJob, AFailureIsToldWhenNobodyHoldsADeviceAnyMore) {
    FakeKernel::Gate gate{kernel_, "mountDetached"};
    std::jthread udev{[&] {
        ASSERT_TRUE(gate.waitFor(1));
        kernel_.openDevice("/dev/loop0");
        gate.open();
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
        kernel_.closeDevice("/dev/loop0");
    }};
    kernel_.failNext("mountDetached", Error{Code::Failed, "ordered"});
    expectError(Code::Failed, "ordered", [&] { static_cast<void>(mountPackage(kernel_, state_, request())); });
    EXPECT_EQ(kernel_.live(), std::vector<std::string>{});
}

TEST_F(MountJob, ADirectoryThatWasThereStaysAfterAFailure) {
    kernel_.addDirectory("/m/1");
    kernel_.failNext("attach", Error{Code::Failed, "ordered"});
    expectError(Code::Failed, "ordered", [&] { static_cast<void>(mountPackage(kernel_, state_, request())); });
    EXPECT_EQ(kernel_.live(), std::vector<std::string>{"dir /m/1"});
}

// So that the next start removes the directory, should this process be killed in between.
TEST_F(MountJob, IsOnRecordBeforeTheMountPointIsMade) {
    FakeKernel::Gate gate{kernel_, "makeMountPoint"};
    std::thread mounting{[this] { static_cast<void>(mountPackage(kernel_, state_, request())); }};
    EXPECT_TRUE(gate.waitFor(1));
    const auto records = state_.load();
    gate.open();
    mounting.join();
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].mountPoint, "/m/1");
    EXPECT_TRUE(records[0].mountPointCreated);
}

TEST_F(MountJob, AFailureNamesTheContainer) {
    kernel_.failNext("attach", Error{Code::Unsupported, "ordered"});
    expectError(Code::Unsupported, "Cannot mount " + request().package->manifest.container() + ": ordered",
                [&] { static_cast<void>(mountPackage(kernel_, state_, request())); });
}

TEST_F(MountJob, AFullStateDirectoryUndoesTheMount) {
    std::filesystem::create_directory(directory_ / "mounts/1.toml");  // the record cannot be renamed onto it
    expectError(Code::Failed, "1.toml", [&] { static_cast<void>(mountPackage(kernel_, state_, request())); });
    EXPECT_EQ(kernel_.live(), std::vector<std::string>{});
}

TEST_F(MountJob, AVerifiedPackageIsNeverMountedWithoutVerity) {
    kernel_.setVerityAvailable(false);
    expectError(Code::Unsupported, "CONFIG_DM_VERITY",
                [&] { static_cast<void>(mountPackage(kernel_, state_, request())); });
    EXPECT_TRUE(kernel_.calls().empty());
}

TEST_F(MountJob, ASealedCopyNeedsNoVerity) {
    kernel_.setVerityAvailable(false);
    SealedImages copies;
    auto sealed = request();
    sealed.copies = &copies;
    const MountRecord record = mountPackage(kernel_, state_, sealed);
    EXPECT_TRUE(record.verified);
    EXPECT_EQ(record.device, "/dev/loop0");
}

TEST_F(MountJob, MountsOfOneImageShareOneSealedCopyUntilTheLastIsGone) {
    SealedImages copies;
    auto first = request(1), second = request(2);
    first.copies = second.copies = &copies;
    MountRecord one = mountPackage(kernel_, state_, first), two = mountPackage(kernel_, state_, second);
    EXPECT_NE(one.loopDevice, two.loopDevice);
    EXPECT_EQ(one.backing, two.backing);
    const std::weak_ptr<const void> copy = one.image;
    one = {};
    EXPECT_FALSE(copy.expired());
    two = {};
    EXPECT_TRUE(copy.expired());
    EXPECT_FALSE(mountPackage(kernel_, state_, request(3)).image);  // through dm-verity
}

TEST_F(MountJob, UnmountLeavesNothing) {
    const MountRecord record = mountPackage(kernel_, state_, request());
    EXPECT_TRUE(unmountRecord(kernel_, state_, record, false));
    EXPECT_EQ(kernel_.live(), std::vector<std::string>{});
    EXPECT_EQ(stateFiles(), 0U);
}

TEST_F(MountJob, UnmountDoesNotSleepUntilOthersLetGoOfTheDevice) {
    const MountRecord record = mountPackage(kernel_, state_, request());
    kernel_.openDevice("/dev/dm-0");
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_FALSE(unmountRecord(kernel_, state_, record, false));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{1});
    EXPECT_FALSE(releaseDevices(kernel_, record));
    kernel_.closeDevice("/dev/dm-0");
    EXPECT_TRUE(releaseDevices(kernel_, record));
    EXPECT_EQ(kernel_.live(), std::vector<std::string>{});
}

TEST_F(MountJob, SaysWhichDeviceIsLeft) {
    const MountRecord record = mountPackage(kernel_, state_, request());
    kernel_.openDevice("/dev/dm-0");
    kernel_.openDevice("/dev/loop0");
    EXPECT_FALSE(unmountRecord(kernel_, state_, record, false));
    EXPECT_EQ(deviceLeft(kernel_, record), "/dev/dm-0");
    kernel_.closeDevice("/dev/dm-0");
    EXPECT_EQ(deviceLeft(kernel_, record), "/dev/loop0");
    kernel_.closeDevice("/dev/loop0");
}

TEST_F(MountJob, BusyUnmountKeepsTheMountAndNamesTheHolder) {
    const MountRecord record = mountPackage(kernel_, state_, request());
    kernel_.keepBusy("/m/1", {{42, "cat", "/m/1/file"}});
    expectError(Code::Busy, "/m/1", [&] { unmountRecord(kernel_, state_, record, false); });
    EXPECT_EQ(describeHolders(kernel_, record), "42 (cat, /m/1/file)");
    EXPECT_EQ(stateFiles(), 1U);
    EXPECT_EQ(kernel_.live().size(), 4U);
}

TEST_F(MountJob, UnmountTakesDownExactlyItsOwnMount) {
    const MountRecord record = mountPackage(kernel_, state_, request());
    kernel_.unmountExternally("/m/1");
    auto other = request(2);
    other.mountPoint = "/m/1";
    const MountRecord newer = mountPackage(kernel_, state_, other);
    expectError(Code::NotMounted, "/m/1", [&] { unmountRecord(kernel_, state_, record, false); });
    EXPECT_NO_THROW(unmountRecord(kernel_, state_, newer, false));
}

TEST_F(MountJob, RecoveryAdoptsWhatIsMountedAndForgetsTheRest) {
    const MountRecord kept = mountPackage(kernel_, state_, request(1));
    static_cast<void>(mountPackage(kernel_, state_, request(2)));
    kernel_.unmountExternally("/m/2");
    const auto adopted = recoverMounts(kernel_, state_);
    ASSERT_EQ(adopted.size(), 1U);
    EXPECT_EQ(adopted[0].id, kept.id);
    EXPECT_EQ(adopted[0].identity, kept.identity);
    EXPECT_EQ(adopted[0].mountedAt, kept.mountedAt);
    EXPECT_EQ(kernel_.live(), (std::vector<std::string>{"/dev/dm-0", "/dev/loop0", "dir /m/1", "mount /m/1"}));
    EXPECT_EQ(stateFiles(), 1U);
}

TEST_F(MountJob, RecoveryDoesNotTrustAReusedDeviceNumber) {
    static_cast<void>(mountPackage(kernel_, state_, request(1)));
    const auto records = state_.load();
    kernel_.unmountExternally("/m/1");
    const MountRecord newer = mountPackage(kernel_, state_, request(2));
    ASSERT_EQ(newer.identity.device, records.at(0).identity.device);
    const auto adopted = recoverMounts(kernel_, state_);
    ASSERT_EQ(adopted.size(), 1U);
    EXPECT_EQ(adopted[0].id, 2U);
}

TEST_F(MountJob, VanishedMountsAreFoundInOnePass) {
    std::vector<MountRecord> records;
    for (std::uint32_t id = 1; id <= 3; ++id) records.push_back(mountPackage(kernel_, state_, request(id)));
    kernel_.unmountExternally("/m/2");
    const auto before = kernel_.calls().size();
    const auto vanished = findVanished(kernel_, records);
    ASSERT_EQ(vanished.size(), 1U);
    EXPECT_EQ(vanished[0].mountPoint, "/m/2");
    EXPECT_EQ(kernel_.calls().size(), before + 1);
}

}  // namespace
}  // namespace northstar::test
