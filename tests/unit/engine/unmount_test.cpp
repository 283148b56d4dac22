// SPDX-License-Identifier: Apache-2.0
// Unmount and UnmountMany.
#include "engine_test.h"

namespace northstar::test {
namespace {

const std::string kFonts = "fonts:2.3.4";

class UnmountTest : public EngineTest {
protected:
    std::string place(const std::string& container) const { return runDir() + "/" + container; }
};

TEST_F(UnmountTest, LeavesNothing) {
    mountAsRoot("fonts");
    answer(unmount(root_, "fonts"));
    EXPECT_TRUE(nothingLeft());
}

TEST_F(UnmountTest, IsToldOfWhenTheRegistryShowsItNoMore) {
    const Mounted mounted = mountAsRoot("fonts");
    bool shown = true;
    recorder_.onEvent = [&] { shown = registry().find(mounted.id) != nullptr; };
    answer(unmount(root_, "fonts"));
    EXPECT_EQ(recorder_.events.back(), "unmounted " + kFonts + " request");
    EXPECT_FALSE(shown);
}

TEST_F(UnmountTest, OfAMountNumberTakesThatOneDown) {
    mountAsRoot("multi:0.1.0");
    const Mounted high = mountAsRoot("multi:1.2.0");
    answer(begin(methods().unmounter.unmount(root_.calls("Unmount", "org.northstar.Mounter.Mount"),
                                             {"the mount", MountRef::Id{high.id}}, UnmountMode::Now)));
    EXPECT_EQ(registry().find(high.id), nullptr);
    EXPECT_EQ(registry().mounts().size(), 1U);
}

TEST_F(UnmountTest, OfANameMeansTheOnlyVersionThatIsMounted) {
    mountAsRoot("multi:0.1.0");
    answer(unmount(root_, "multi"));
    EXPECT_TRUE(registry().mounts().empty());
}

TEST_F(UnmountTest, OfANameThatIsMountedInTwoVersionsIsNotClear) {
    mountAsRoot("multi:0.1.0");
    mountAsRoot("multi:1.2.0");
    expectFailure(Code::InvalidArgs, "multi:0.1.0", unmount(root_, "multi"));
    EXPECT_EQ(registry().mounts().size(), 2U);
    expectFailure(Code::NotMounted, "multi:2", unmount(root_, "multi:2"));
    expectFailure(Code::NotMounted, "plain/multi:1", unmount(root_, "plain/multi:1"));
    EXPECT_NO_THROW(answer(unmount(root_, "main/multi:1")));
    EXPECT_EQ(registry().mounts().begin()->second.version, "0.1.0");
}

TEST_F(UnmountTest, OfANameIsNotClearWhenASecondVersionComesMeanwhile) {
    mountAsRoot("multi:0.1.0");
    FakeKernel::Gate gate{kernel_, "attachLoop"};
    const auto coming = mount(root_, "multi:1.2.0");
    ASSERT_TRUE(waitForKernel("attachLoop", 2));
    const auto call = unmount(root_, "multi");
    gate.open();
    EXPECT_NO_THROW(answer(coming));
    expectFailure(Code::InvalidArgs, "several times", call);
    EXPECT_EQ(registry().mounts().size(), 2U);
}

TEST_F(UnmountTest, OfWhatIsNotMountedIsNotMountedAndNobodyIsAsked) {
    expectFailure(Code::NotMounted, "fonts", unmount(user_, "fonts"));
    expectFailure(Code::NotMounted, "/srv/x", unmount(user_, "/srv/x"));
    expectFailure(Code::NotMounted, "no name", unmount(user_, "no name"));
    EXPECT_EQ(authority_.actions(), Texts{});
}

TEST_F(UnmountTest, OfOnesOwnMountAsksNobody) {
    answer(mount(user_, "fonts"));
    const std::size_t before = authority_.asked().size();
    answer(unmount(user_, "fonts"));
    EXPECT_EQ(authority_.asked().size(), before);
}

TEST_F(UnmountTest, OfAnothersMountAsksForUnmountOthers) {
    mountAsRoot("fonts");
    answer(unmount(user_, "fonts"));
    ASSERT_EQ(authority_.actions(), Texts{std::string{action::kUnmountOthers}});
    EXPECT_EQ(authority_.asked()[0].details.at("container"), kFonts);
    EXPECT_TRUE(registry().mounts().empty());
}

TEST_F(UnmountTest, OfAnothersMountThatIsDeniedChangesNothing) {
    mountAsRoot("fonts");
    authority_.answer(Verdict::Denied);
    expectFailure(Code::AccessDenied, "unmount-others", unmount(user_, "fonts"));
    EXPECT_EQ(callsOf("unmount"), 0);
    EXPECT_EQ(registry().mounts().size(), 1U);
}

// The answer is about the mount that was asked about, not about the one that is there by now.
TEST_F(UnmountTest, AnAnswerThatComesWhileTheMountGoesIsForNoOther) {
    mountAsRoot("fonts");
    FakeKernel::Gate gate{kernel_, "unmount"};
    const auto root = unmount(root_, "fonts");
    const auto again = mount(TestCaller{0, ":1.9"}, "fonts");
    ASSERT_TRUE(waitForKernel("unmount"));
    const auto stranger = unmount(user_, "fonts");
    ASSERT_TRUE(waitForQuestions(1));
    linger();  // granted, and waits for its turn
    authority_.answer(FakeAuthority::kHang);
    gate.open();
    EXPECT_NO_THROW(answer(root));
    EXPECT_NO_THROW(answer(again));
    ASSERT_TRUE(waitForQuestions(2));
    EXPECT_EQ(registry().mounts().size(), 1U);
    EXPECT_FALSE(stranger->ended);
}

TEST_F(UnmountTest, TheSecondOfTwoClientsFindsNothing) {
    mountAsRoot("fonts");
    FakeKernel::Gate gate{kernel_, "unmount"};
    const auto first = unmount(root_, "fonts");
    const auto second = unmount(TestCaller{0, ":1.9"}, "fonts");
    ASSERT_TRUE(waitForKernel("unmount"));
    gate.open();
    EXPECT_NO_THROW(answer(first));
    expectFailure(Code::NotMounted, "fonts", second);
    EXPECT_EQ(callsOf("unmount"), 1);
}

TEST_F(UnmountTest, OfABusyMountNamesTheHolders) {
    const Mounted mounted = mountAsRoot("fonts");
    kernel_.keepBusy(mounted.mountPoint, {{42, "cat", mounted.mountPoint + "/file"}});
    expectFailure(Code::Busy, "42 (cat, " + mounted.mountPoint + "/file)", unmount(root_, "fonts"));
    EXPECT_EQ(recorder_.events.back(), "unmount failed " + kFonts);
    EXPECT_EQ(registry().mounts().size(), 1U);
}

class NestedTest : public UnmountTest {
protected:
    // One mount inside another.
    void nest(const TestCaller& outer, const TestCaller& inner) {
        MountRequest request;
        request.target = "/srv/outer";
        answer(mount(outer, "fonts", request));
        request.target = "/srv/outer/inner";
        answer(mount(inner, "multi", request));
    }
};

TEST_F(NestedTest, ALazyUnmountTakesNobodyElsesMountAlong) {
    nest(user_, TestCaller{1001, ":1.3"});
    expectFailure(Code::Busy, "/srv/outer/inner is mounted inside it by somebody else",
                  unmount(user_, "fonts", UnmountMode::Lazy));
    EXPECT_EQ(callsOf("unmount"), 0);
    EXPECT_NO_THROW(answer(unmount(root_, "fonts", UnmountMode::Lazy)));
}

TEST_F(NestedTest, ALazyUnmountTakesOnesOwnMountAlong) {
    nest(user_, user_);
    EXPECT_NO_THROW(answer(unmount(user_, "fonts", UnmountMode::Lazy)));
}

TEST_F(NestedTest, WhoMayUnmountTheMountsOfOthersMayTakeThemAlong) {
    nest(TestCaller{1001, ":1.3"}, TestCaller{1002, ":1.4"});
    EXPECT_NO_THROW(answer(unmount(user_, "fonts", UnmountMode::Lazy)));
}

TEST_F(NestedTest, ABusyMountNamesWhatIsMountedInside) {
    nest(root_, root_);
    kernel_.keepBusy("/srv/outer", {});
    expectFailure(Code::Busy, "in use by what is mounted on /srv/outer/inner", unmount(root_, "fonts"));
}

TEST_F(UnmountTest, OfABusyMountKeepsNobodyWaitingWhileHoldersAreLookedFor) {
    const Mounted mounted = mountAsRoot("fonts");
    kernel_.keepBusy(mounted.mountPoint, {{42, "cat", "/"}});
    FakeKernel::Gate gate{kernel_, "holders"};
    const auto call = unmount(root_, "fonts");
    ASSERT_TRUE(waitForKernel("holders"));
    EXPECT_NO_THROW(answer(unmount(TestCaller{0, ":1.9"}, "fonts", UnmountMode::Lazy)));
    gate.open();
    expectFailure(Code::NotMounted, "fonts", call);  // it went while they were looked for
    kernel_.release(mounted.mountPoint);
}

TEST_F(UnmountTest, LooksForNoHoldersOnceEightCallsWaitForThat) {
    const Mounted mounted = mountAsRoot("fonts");
    kernel_.keepBusy(mounted.mountPoint, {{42, "cat", "/"}});
    FakeKernel::Gate gate{kernel_, "holders"};
    std::vector<Pending<void>> calls;
    for (int client = 0; client < 8; ++client) {
        calls.push_back(unmount(TestCaller{0, ":2." + std::to_string(client)}, "fonts"));
    }
    ASSERT_TRUE(waitUntil([&] { return recorder_.count("unmount failed " + kFonts) == 8; }));
    expectFailure(Code::Busy, "too many calls", unmount(root_, "fonts"));
    gate.open();
    for (const auto& call : calls) expectFailure(Code::Busy, "42 (cat", call);
}

TEST_F(UnmountTest, LooksForNoHoldersForACallerThatHasLeft) {
    const Mounted mounted = mountAsRoot("fonts");
    kernel_.keepBusy(mounted.mountPoint, {{42, "cat", "/"}});
    const auto call = unmount(root_, "fonts");
    root_.leave();
    expectFailure(Code::Busy, "in use", call);
    EXPECT_EQ(callsOf("holders"), 0);
}

TEST_F(UnmountTest, LazilyTakesABusyMountDownAtOnce) {
    const Mounted mounted = mountAsRoot("fonts");
    kernel_.keepBusy(mounted.mountPoint, {{42, "cat", "/"}});
    answer(unmount(root_, "fonts", UnmountMode::Lazy));
    EXPECT_TRUE(registry().mounts().empty());
    EXPECT_EQ(stateFiles(), Texts{});
    kernel_.release(mounted.mountPoint);
    EXPECT_TRUE(nothingLeft());
}

TEST_F(UnmountTest, WaitsUntilTheDevicesAreGone) {
    mountAsRoot("fonts");
    kernel_.openDevice("/dev/dm-0");
    const auto call = unmount(root_, "fonts");
    ASSERT_TRUE(waitUntil([&] { return registry().mounts().empty(); }));
    EXPECT_FALSE(call->ended);
    kernel_.closeDevice("/dev/dm-0");
    answer(call);
    EXPECT_EQ(kernel_.live(), Texts{});
}

TEST_F(UnmountTest, WhoeverHoldsADeviceKeepsNoOtherCallWaiting) {
    mountAsRoot("fonts");
    kernel_.openDevice("/dev/dm-0");
    const auto call = unmount(root_, "fonts");
    ASSERT_TRUE(waitUntil([&] { return registry().mounts().empty(); }));
    EXPECT_NO_THROW(answer(mount(TestCaller{0, ":1.9"}, "fonts")));
    kernel_.closeDevice("/dev/dm-0");
    EXPECT_NO_THROW(answer(call));
}

TEST_F(UnmountTest, ThatTheKernelRefusesKeepsTheMountAndItsRecord) {
    mountAsRoot("fonts");
    kernel_.failNext("unmount", Error{Code::Failed, "ordered"});
    expectFailure(Code::Failed, "ordered", unmount(root_, "fonts"));
    EXPECT_EQ(recorder_.events.back(), "unmount failed " + kFonts);
    EXPECT_EQ(stateFiles(), Texts{"1.toml"});
    EXPECT_NO_THROW(answer(unmount(root_, "fonts")));
}

TEST_F(UnmountTest, ManyAnswersEachInTheOrderAsked) {
    mountAsRoot("fonts");
    mountAsRoot("hello-gzip");
    const auto outcomes = answer(unmountMany(root_, {"hello-gzip", "nothing", "fonts", "fonts"}));
    ASSERT_EQ(outcomes.size(), 4U);
    EXPECT_EQ(outcomes[0], nullptr);
    EXPECT_TRUE(hasCode(outcomes[1], Code::NotMounted));
    EXPECT_EQ(outcomes[2], nullptr);
    EXPECT_TRUE(hasCode(outcomes[3], Code::NotMounted));
}

TEST_F(UnmountTest, ManyGoInParallel) {
    mountAsRoot("fonts");
    mountAsRoot("hello-gzip");
    FakeKernel::Gate gate{kernel_, "unmount"};
    const auto call = unmountMany(root_, {"fonts", "hello-gzip"});
    EXPECT_TRUE(waitForKernel("unmount", 2));
    gate.open();
    EXPECT_EQ(answer(call), std::vector<std::exception_ptr>(2));
}

TEST_F(UnmountTest, ManyAsksOnlyAboutTheMountsOfOthers) {
    mountAsRoot("fonts");
    answer(mount(user_, "hello-gzip"));
    authority_.answer(Verdict::Denied);
    const auto outcomes = answer(unmountMany(user_, {"fonts", "hello-gzip"}));
    EXPECT_TRUE(hasCode(outcomes.at(0), Code::AccessDenied));
    EXPECT_EQ(outcomes.at(1), nullptr);
    EXPECT_EQ(registry().mounts().size(), 1U);
}

TEST_F(UnmountTest, ManyAsksNobodyForTheRestWhenItsCallerLeaves) {
    mountAsRoot("fonts");
    mountAsRoot("hello-gzip");
    authority_.answer(FakeAuthority::kHang);
    const auto call = unmountMany(user_, {"fonts", "hello-gzip"});
    ASSERT_TRUE(waitForQuestions(1));
    user_.leave();
    const auto outcomes = answer(call);
    EXPECT_TRUE(hasCode(outcomes.at(1), Code::AccessDenied));
    EXPECT_EQ(authority_.asked().size(), 1U);
}

}  // namespace
}  // namespace northstar::test
