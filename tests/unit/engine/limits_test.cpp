// SPDX-License-Identifier: Apache-2.0
// How many mounts there may be, and how many of a user.
#include "engine_test.h"

namespace northstar::test {
namespace {

class LimitsTest : public EngineTest {
protected:
    // The user's only mount is unmounted lazily, and somebody keeps its devices.
    std::string holdFonts() {
        configure("limits = { mounts_per_uid = 1 }");
        const Mounted mounted = answer(mount(user_, "fonts"));
        kernel_.keepBusy(mounted.mountPoint, {{42, "cat", "/"}});
        answer(unmount(user_, "fonts", UnmountMode::Lazy));
        return mounted.mountPoint;
    }
};

TEST_F(LimitsTest, NoMoreMountsThanAllMayHave) {
    configure("limits = { mounts = 1 }");
    mountAsRoot("fonts");
    expectFailure(Code::LimitsExceeded, "limits.mounts ", mount(root_, "hello-gzip"));
    EXPECT_EQ(callsOf("attachLoop"), 1);
}

TEST_F(LimitsTest, MountsThatAreUnderWayCount) {
    configure("limits = { mounts = 1 }");
    FakeKernel::Gate gate{kernel_, "attachLoop"};
    const auto first = mount(root_, "fonts");
    ASSERT_TRUE(waitForKernel("attachLoop"));
    expectFailure(Code::LimitsExceeded, "limits.mounts ", mount(root_, "hello-gzip"));
    gate.open();
    EXPECT_NO_THROW(answer(first));
}

TEST_F(LimitsTest, AMountThatFailedDoesNotCount) {
    configure("limits = { mounts = 1 }");
    kernel_.failNext("attach", Error{Code::Failed, "ordered"});
    expectFailure(Code::Failed, "ordered", mount(root_, "fonts"));
    EXPECT_NO_THROW(mountAsRoot("hello-gzip"));
}

TEST_F(LimitsTest, NoMoreMountsThanAUserMayHave) {
    configure("limits = { mounts_per_uid = 1 }");
    answer(mount(user_, "fonts"));
    expectFailure(Code::LimitsExceeded, "limits.mounts_per_uid", mount(user_, "hello-gzip"));
}

TEST_F(LimitsTest, OneUsersMountsDoNotCountForAnother) {
    configure("limits = { mounts_per_uid = 1 }");
    answer(mount(user_, "fonts"));
    EXPECT_NO_THROW(answer(mount(TestCaller{1001, ":1.3"}, "hello-gzip")));
}

TEST_F(LimitsTest, RootHasAnyNumberOfMounts) {
    configure("limits = { mounts_per_uid = 1 }");
    mountAsRoot("fonts");
    EXPECT_NO_THROW(mountAsRoot("hello-gzip"));
}

TEST_F(LimitsTest, AReloadPutsThemInForce) {
    mountAsRoot("fonts");
    configure("limits = { mounts = 1 }");
    answer(reload(root_));
    expectFailure(Code::LimitsExceeded, "limits.mounts ", mount(root_, "hello-gzip"));
}

TEST_F(LimitsTest, HeldDevicesCountForWhoHadMountedThem) {
    const std::string place = holdFonts();
    expectFailure(Code::LimitsExceeded, "are still in use", mount(user_, "hello-gzip"));
    EXPECT_NO_THROW(answer(mount(TestCaller{1001, ":1.3"}, "hello-gzip")));
    kernel_.release(place);
}

TEST_F(LimitsTest, HeldDevicesThatWentDoNotCount) {
    kernel_.release(holdFonts());
    EXPECT_NO_THROW(answer(mount(user_, "hello-gzip")));
}

TEST_F(LimitsTest, DevicesThatAreHeldBeyondTheWaitCount) {
    configure("limits = { mounts_per_uid = 1 }");
    answer(mount(user_, "fonts"));
    kernel_.openDevice("/dev/dm-0");
    answer(unmount(user_, "fonts"));
    expectFailure(Code::LimitsExceeded, "are still in use", mount(user_, "hello-gzip"));
    kernel_.closeDevice("/dev/dm-0");
}

}  // namespace
}  // namespace northstar::test
