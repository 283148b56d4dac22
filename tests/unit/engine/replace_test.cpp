// SPDX-License-Identifier: Apache-2.0
// Replace: the new one is there before the old one goes, and whatever fails, the old one stays.
#include "auth/method_table.h"
#include "engine_test.h"

namespace northstar::test {
namespace {

const std::string kOld = "multi:0.1.0", kNew = "multi:1.2.0";

class ReplaceTest : public EngineTest {
protected:
    Pending<Mounted> replace(const TestCaller& caller, const std::string& what, const std::string& container,
                             const MountRequest& request = {}) {
        return begin(
            methods().replacing.replace(caller.calls("Replace"), MountRef::parse(what, kObjects), container, request));
    }
    Texts mounted() {
        Texts all;
        for (const auto& [id, record] : registry().mounts()) all.push_back(record.container());
        return all;
    }
};

TEST_F(ReplaceTest, PutsTheNewOneInThePlaceOfTheOld) {
    const Mounted old = mountAsRoot(kOld);
    recorder_.events.clear();
    const Mounted now = answer(replace(root_, kOld, "multi"));
    EXPECT_NE(now.id, old.id);
    EXPECT_EQ(now.mountPoint, old.mountPoint);
    EXPECT_EQ(mounted(), Texts{kNew});
    EXPECT_EQ(recorder_.events, (Texts{"mounted " + kNew, "unmounted " + kOld + " replaced"}));
    answer(unmount(root_, now.mountPoint));
    EXPECT_TRUE(nothingLeft());
}

TEST_F(ReplaceTest, DetachesTheOldOneOnlyWhenTheNewOneIsBeneathIt) {
    mountAsRoot(kOld);
    const auto before = kernelCalls().size();
    answer(replace(root_, "multi", kNew));
    Texts calls = kernelCalls();
    calls.erase(calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(before));
    const auto beneath = std::ranges::find(calls, "attachBeneath");
    ASSERT_NE(beneath, calls.end());
    EXPECT_LT(std::ranges::find(calls, "openVerity"), beneath);
    EXPECT_LT(beneath, std::ranges::find(calls, "unmount"));
    EXPECT_EQ(std::ranges::count(calls, "makeMountPoint"), 0);
}

TEST_F(ReplaceTest, LeavesTheOldOneWhateverFails) {
    const Mounted old = mountAsRoot(kOld);
    const Texts before = kernel_.live();
    const Texts records = stateFiles();
    for (const char* step : {"attachLoop", "openVerity", "mountDetached", "attachBeneath"}) {
        SCOPED_TRACE(step);
        kernel_.failNext(step, Error{Code::Failed, "as ordered"});
        expectFailure(Code::Failed, "as ordered", replace(root_, kOld, kNew));
        EXPECT_EQ(mounted(), Texts{kOld});
        EXPECT_EQ(registry().mounts().begin()->first, old.id);
        EXPECT_TRUE(waitUntil([&] { return kernel_.live() == before; }));
        EXPECT_EQ(stateFiles(), records);
    }
    answer(replace(root_, kOld, kNew));
    EXPECT_EQ(mounted(), Texts{kNew});
}

TEST_F(ReplaceTest, SaysWhichKernelItNeeds) {
    mountAsRoot(kOld);
    kernel_.setOld(true);
    expectFailure(Code::Unsupported, "Linux 6.5", replace(root_, kOld, kNew));
    EXPECT_EQ(mounted(), Texts{kOld});
}

TEST_F(ReplaceTest, NamesBothIfTheOldOneCannotBeTakenDown) {
    mountAsRoot(kOld);
    kernel_.failNext("unmount", Error{Code::Busy, "something is mounted over it"});
    expectFailure(Code::Busy, "mounted over", replace(root_, kOld, kNew));
    EXPECT_EQ(mounted(), (Texts{kOld, kNew}));
    answer(unmount(root_, kOld));
    answer(unmount(root_, kNew));
    EXPECT_TRUE(nothingLeft());
}

TEST_F(ReplaceTest, OfWhatIsInUseLeavesThatReadable) {
    const Mounted old = mountAsRoot(kOld);
    kernel_.keepBusy(old.mountPoint, {});
    answer(replace(root_, kOld, kNew));
    EXPECT_EQ(mounted(), Texts{kNew});
    kernel_.release(old.mountPoint);
    answer(unmount(root_, kNew));
    EXPECT_TRUE(nothingLeft());
}

TEST_F(ReplaceTest, IsRefusedIfSomethingIsMountedInside) {
    const Mounted old = mountAsRoot(kOld);
    mountAsRoot("fonts", {.target = old.mountPoint + "/fonts"});
    expectFailure(Code::Busy, "/fonts is mounted inside it", replace(root_, kOld, kNew));
    EXPECT_EQ(registry().findByMountPoint(old.mountPoint)->container(), kOld);
}

TEST_F(ReplaceTest, OfWhatIsNotThere) {
    expectFailure(Code::NotMounted, kOld, replace(root_, kOld, kNew));
    const Mounted old = mountAsRoot(kOld);
    expectFailure(Code::NoSuchContainer, "multi:9", replace(root_, kOld, "multi:9"));
    kernel_.unmountExternally(old.mountPoint);
    expectFailure(Code::NotMounted, kOld, replace(root_, kOld, kNew));
    EXPECT_TRUE(nothingLeft());
}

TEST_F(ReplaceTest, AsksForTheNewOneAndForWhatIsTakenDown) {
    answer(mount(user_, kOld));
    answer(replace(user_, kOld, kNew));
    const auto actions = [&] { return authority_.actions(); };
    EXPECT_EQ(actions(), (Texts{std::string{action::kMount}, std::string{action::kMount}}));
    const TestCaller other{1001, ":1.3"};
    answer(replace(other, kNew, kOld));  // another's
    EXPECT_EQ(actions().size(), 4U);
    EXPECT_EQ(actions().back(), action::kUnmountOthers);
    EXPECT_EQ(registry().mounts().begin()->second.ownerUid, 1001U);
    answer(replace(other, kOld, "fonts"));  // another container in the place of that one
    EXPECT_EQ(actions().back(), action::kMountAnywhere);
}

TEST_F(ReplaceTest, ByWhatAnotherRepositoryCallsThatAsksForThePlace) {
    addPackage("plain", "signed/multi-1.2.0.npk");
    answer(mount(user_, "main/" + kOld));
    answer(replace(user_, kOld, "plain/multi"));
    EXPECT_EQ(authority_.actions(), (Texts{std::string{action::kMount}, std::string{action::kMountUnverified},
                                           std::string{action::kMountAnywhere}}));
}

TEST_F(ReplaceTest, IsNotDoneByWhomItIsDenied) {
    mountAsRoot(kOld);
    authority_.answer(action::kUnmountOthers, Verdict::Denied);
    expectFailure(Code::AccessDenied, "", replace(user_, kOld, kNew));
    EXPECT_EQ(mounted(), Texts{kOld});
}

TEST_F(ReplaceTest, NeedsNoRoomBelowTheLimits) {
    configure("[limits]\nmounts = 2\nmounts_per_uid = 1\n");
    answer(mount(user_, kOld));
    mountAsRoot("fonts");
    answer(replace(user_, kOld, kNew));
    EXPECT_EQ(registry().mounts().size(), 2U);
    expectFailure(Code::LimitsExceeded, "mounts_per_uid", replace(user_, "fonts", kOld));  // would be the second
}

}  // namespace
}  // namespace northstar::test
