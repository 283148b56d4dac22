// SPDX-License-Identifier: Apache-2.0
// The end of the service: questions are given up, what the kernel is doing is brought to its end, and nothing hangs.
#include "engine_test.h"
#include "support/test_data.h"

namespace northstar::test {
namespace {

class StopTest : public EngineTest {
protected:
    [[nodiscard]] bool allEnd() {
        return waitUntil([this] { return scope_.empty(); });
    }
};

TEST_F(StopTest, AMountThatIsAskedAboutIsDenied) {
    authority_.answer(FakeAuthority::kHang);
    const auto call = mount(user_, "fonts");
    ASSERT_TRUE(waitForQuestions(1));
    engine().stop();
    expectFailure(Code::AccessDenied, "the service is stopping", call);
    EXPECT_EQ(authority_.cancelled(), 1U);
    EXPECT_TRUE(nothingLeft());
}

TEST_F(StopTest, AnUnmountThatIsAskedAboutIsDenied) {
    mountAsRoot("fonts");
    authority_.answer(FakeAuthority::kHang);
    const auto call = unmount(user_, "fonts");
    ASSERT_TRUE(waitForQuestions(1));
    engine().stop();
    expectFailure(Code::AccessDenied, "the service is stopping", call);
    EXPECT_EQ(registry().mounts().size(), 1U);
}

TEST_F(StopTest, ChangesOfRepositoriesThatAreAskedAboutAreDenied) {
    authority_.answer(FakeAuthority::kHang);
    auto& repositories = methods().repositories;
    const auto install = begin(repositories.install(user_.calls("Install", "org.northstar.Mounter.Repository"), "plain",
                                                    CallerFd{openData("signed/fonts-2.3.4.npk")}));
    const auto uninstall =
        begin(repositories.uninstall(user_.calls("Uninstall", "org.northstar.Mounter.Repository"), "main", "fonts"));
    const auto again = reload(user_);
    ASSERT_TRUE(waitForQuestions(3));
    engine().stop();
    expectFailure(Code::AccessDenied, "the service is stopping", install);
    expectFailure(Code::AccessDenied, "the service is stopping", uninstall);
    expectFailure(Code::AccessDenied, "the service is stopping", again);
    EXPECT_EQ(recorder_.events, Texts{});
}

TEST_F(StopTest, ManyQuestionsEndInOneGo) {
    authority_.answer(FakeAuthority::kHang);
    std::vector<Pending<Mounted>> calls;
    for (int client = 0; client < 40; ++client) {  // more than the authority gets at a time
        calls.push_back(mount(TestCaller{1000, ":2." + std::to_string(client)}, "fonts"));
    }
    ASSERT_TRUE(waitForQuestions(16));
    engine().stop();
    for (const auto& call : calls) expectFailure(Code::AccessDenied, "the service is stopping", call);
    EXPECT_EQ(authority_.asked().size(), 16U);
}

TEST_F(StopTest, ACallBehindAQuestionOfItsClientEndsToo) {
    authority_.answer(FakeAuthority::kHang);
    const auto first = mount(user_, "fonts"), behind = mount(user_, "fonts");
    ASSERT_TRUE(waitForQuestions(1));
    engine().stop();
    expectFailure(Code::AccessDenied, "the service is stopping", first);
    expectFailure(Code::Failed, "The service is stopping", behind);
}

TEST_F(StopTest, AManyCallEndsWithOneAnswerForEach) {
    authority_.answer(FakeAuthority::kHang);
    const auto call = mountMany(user_, {"fonts", "hello-gzip"});
    ASSERT_TRUE(waitForQuestions(1));
    engine().stop();
    const auto outcomes = answer(call);
    EXPECT_TRUE(hasCode(std::get<std::exception_ptr>(outcomes.at(0)), Code::AccessDenied));
    EXPECT_TRUE(hasCode(std::get<std::exception_ptr>(outcomes.at(1)), Code::Failed));
}

TEST_F(StopTest, NobodyIsAskedAnyMore) {
    engine().stop();
    expectFailure(Code::Failed, "The service is stopping", mount(user_, "fonts"));
    EXPECT_EQ(authority_.actions(), Texts{});
}

TEST_F(StopTest, AMountThatTheKernelIsMakingStaysMounted) {
    FakeKernel::Gate gate{kernel_, "attachLoop"};
    const auto call = mount(root_, "fonts");
    ASSERT_TRUE(waitForKernel("attachLoop"));
    engine().stop();
    gate.open();
    EXPECT_NO_THROW(answer(call));
    EXPECT_TRUE(allEnd());
    EXPECT_EQ(registry().mounts().size(), 1U);
    EXPECT_EQ(kernel_.live().size(), 4U);
    EXPECT_EQ(stateFiles().size(), 1U);
}

TEST_F(StopTest, AnUnmountThatTheKernelIsDoingIsDone) {
    mountAsRoot("fonts");
    FakeKernel::Gate gate{kernel_, "unmount"};
    const auto call = unmount(root_, "fonts");
    ASSERT_TRUE(waitForKernel("unmount"));
    engine().stop();
    gate.open();
    EXPECT_NO_THROW(answer(call));
    EXPECT_TRUE(nothingLeft());
}

TEST_F(StopTest, CallsThatWaitForTheirTurnEnd) {
    FakeKernel::Gate gate{kernel_, "attachLoop"};
    const auto first = mount(root_, "fonts");
    const auto second = mount(TestCaller{0, ":1.9"}, "fonts");
    ASSERT_TRUE(waitForKernel("attachLoop"));
    engine().stop();
    gate.open();
    EXPECT_NO_THROW(answer(first));
    expectFailure(Code::AlreadyMounted, "fonts", second);
    EXPECT_TRUE(allEnd());
}

TEST_F(StopTest, HoldersOfABusyMountAreNotLookedForAnyMore) {
    const Mounted mounted = mountAsRoot("fonts");
    kernel_.keepBusy(mounted.mountPoint, {{42, "cat", "/"}});
    FakeKernel::Gate gate{kernel_, "unmount"};
    const auto call = unmount(root_, "fonts");
    ASSERT_TRUE(waitForKernel("unmount"));
    engine().stop();
    gate.open();
    expectFailure(Code::Busy, "in use by somebody", call);
    EXPECT_EQ(callsOf("holders"), 0);
}

TEST_F(StopTest, DevicesThatSomebodyHoldsDoNotKeepItFromEnding) {
    mountAsRoot("fonts");
    kernel_.openDevice("/dev/dm-0");
    const auto call = unmount(root_, "fonts");
    ASSERT_TRUE(waitUntil([&] { return registry().mounts().empty(); }));
    engine().stop();
    EXPECT_TRUE(allEnd());
    EXPECT_NO_THROW(answer(call));
    kernel_.closeDevice("/dev/dm-0");
}

TEST_F(StopTest, TheMountTableIsNotLookedAtAnyMore) {
    const Mounted mounted = mountAsRoot("fonts");
    ASSERT_TRUE(waitForKernel("mountsOn"));
    ASSERT_TRUE(allEnd());
    engine().stop();
    kernel_.unmountExternally(mounted.mountPoint);
    linger();
    EXPECT_EQ(registry().mounts().size(), 1U);
}

}  // namespace
}  // namespace northstar::test
