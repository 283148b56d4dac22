// SPDX-License-Identifier: Apache-2.0
// What one client sends without waiting is done as sent, container by container; what others do is not held up.
#include "engine_test.h"
#include "support/test_data.h"

namespace northstar::test {
namespace {

class OrderTest : public EngineTest {
protected:
    Pending<Mounted> mountFd(const TestCaller& caller, const std::string& data) {
        return begin(methods().files.mountFd(caller.calls("MountFd"), CallerFd{openData(data)}, {}));
    }
    // Its keys for files: those of "main".
    const std::string file_ = "signed/fonts-2.3.4.npk";
};

TEST_F(OrderTest, MountUnmountMountOfOneContainerLeavesItMounted) {
    const auto first = mount(root_, "fonts");
    const auto down = unmount(root_, "fonts");
    const auto again = mount(root_, "fonts");
    EXPECT_NO_THROW(answer(first));
    EXPECT_NO_THROW(answer(down));
    EXPECT_NO_THROW(answer(again));
    EXPECT_EQ(recorder_.events, (Texts{"mounted fonts:2.3.4", "unmounted fonts:2.3.4 request", "mounted fonts:2.3.4"}));
}

TEST_F(OrderTest, TheOrderIsKeptWhileTheFirstIsAskedAbout) {
    authority_.answer(FakeAuthority::kHang);
    const auto first = mount(user_, "fonts");
    const auto down = unmount(user_, "fonts");
    const auto again = mount(user_, "fonts");
    for (std::size_t question = 1; question <= 2; ++question) {
        ASSERT_TRUE(waitForQuestions(question));
        authority_.release(Verdict::Granted);
    }
    EXPECT_NO_THROW(answer(first));
    EXPECT_NO_THROW(answer(down));
    EXPECT_NO_THROW(answer(again));
    EXPECT_EQ(recorder_.events, (Texts{"mounted fonts:2.3.4", "unmounted fonts:2.3.4 request", "mounted fonts:2.3.4"}));
}

TEST_F(OrderTest, AnUnmountByMountPointWaitsForTheMount) {
    const auto up = mount(root_, "fonts", {.target = "/srv/f"});
    const auto down = unmount(root_, "/srv/f");
    EXPECT_NO_THROW(answer(up));
    EXPECT_NO_THROW(answer(down));
    EXPECT_TRUE(nothingLeft());
}

TEST_F(OrderTest, AnUnmountByNameWaitsForAMountOfAnyVersion) {
    const auto up = mount(root_, "multi:0.1.0");
    const auto down = unmount(root_, "multi");
    EXPECT_NO_THROW(answer(up));
    EXPECT_NO_THROW(answer(down));
    EXPECT_TRUE(nothingLeft());
}

TEST_F(OrderTest, AnUnmountOfAnotherVersionDoesNotWaitForTheMount) {
    FakeKernel::Gate gate{kernel_, "attachLoop"};
    const auto up = mount(root_, "multi:0.1.0");
    expectFailure(Code::NotMounted, "multi:1.2.0", unmount(root_, "multi:1.2.0"));
    EXPECT_FALSE(up->ended);
}

TEST_F(OrderTest, AnUnmountWaitsForADescriptorThatHasNotBeenRead) {
    const auto up = mountFd(root_, file_);
    const auto down = unmount(root_, "fonts");
    EXPECT_NO_THROW(answer(up));
    EXPECT_NO_THROW(answer(down));
    EXPECT_TRUE(nothingLeft());
}

TEST_F(OrderTest, DescriptorsOfOneClientGoTogether) {
    FakeKernel::Gate gate{kernel_, "attachLoop"};
    const auto first = mountFd(root_, file_), second = mountFd(root_, "signed/hello-xz-1.0.0.npk");
    EXPECT_TRUE(waitForKernel("attachLoop", 2));
    gate.open();
    EXPECT_NO_THROW(answer(first));
    EXPECT_NO_THROW(answer(second));
}

TEST_F(OrderTest, ManyCallsAreOrderedItemByItem) {
    const auto up = mountMany(root_, {"fonts", "hello-gzip"});
    const auto down = unmountMany(root_, {"fonts", "hello-gzip"});
    const auto again = mount(root_, "fonts");
    EXPECT_EQ(answer(down), std::vector<std::exception_ptr>(2));
    EXPECT_NO_THROW(answer(again));
    EXPECT_EQ(registry().mounts().size(), 1U);
    EXPECT_TRUE(up->ended);
}

TEST_F(OrderTest, OtherContainersOfTheSameClientDoNotWait) {
    authority_.answer(FakeAuthority::kHang);
    const auto asked = mount(user_, "fonts");
    ASSERT_TRUE(waitForQuestions(1));
    const auto other = mount(user_, "hello-gzip");
    ASSERT_TRUE(waitForQuestions(2));
    authority_.release(Verdict::Granted);
    EXPECT_NO_THROW(answer(asked));
    EXPECT_NO_THROW(answer(other));
}

TEST_F(OrderTest, AQuestionToOneClientKeepsNoOtherWaiting) {
    authority_.answer(FakeAuthority::kHang);
    const auto asked = mount(user_, "fonts");
    ASSERT_TRUE(waitForQuestions(1));
    mountAsRoot("fonts");
    EXPECT_NO_THROW(answer(unmount(root_, "fonts")));
    EXPECT_FALSE(asked->ended);
}

TEST_F(OrderTest, AQuestionAboutAnUnmountKeepsNoOtherWaiting) {
    mountAsRoot("fonts");
    authority_.answer(FakeAuthority::kHang);
    const auto asked = unmount(user_, "fonts");
    ASSERT_TRUE(waitForQuestions(1));
    EXPECT_NO_THROW(mountAsRoot("fonts", {.target = "/srv/fonts"}));
    EXPECT_NO_THROW(answer(unmount(root_, "/srv/fonts")));
    EXPECT_FALSE(asked->ended);
}

TEST_F(OrderTest, WhoIsDeniedDoesNotWaitForTheCallsOfOthers) {
    mountAsRoot("multi:1.2.0");
    FakeKernel::Gate gate{kernel_, "attachLoop"};
    const auto slow = mount(root_, "multi:0.1.0");
    ASSERT_TRUE(waitForKernel("attachLoop", 2));
    authority_.answer(Verdict::Denied);
    expectFailure(Code::AccessDenied, "unmount-others", unmount(user_, "multi"));
    EXPECT_FALSE(slow->ended);
}

TEST_F(OrderTest, CallersFilesThatHangKeepNobodyWaiting) {
    mountAsRoot("multi");
    FakeKernel::Gate gate{kernel_, "originOf"};
    std::vector<Pending<Mounted>> hanging;
    for (int i = 0; i < 100; ++i) hanging.push_back(mountFd(TestCaller{1000, ":2." + std::to_string(i)}, file_));
    ASSERT_TRUE(waitForKernel("originOf", 4));
    EXPECT_NO_THROW(answer(mount(user_, "fonts")));
    EXPECT_NO_THROW(answer(unmount(root_, "multi")));
    EXPECT_EQ(callsOf("originOf"), 4) << "threads that one user can keep";
    gate.open();
    for (const auto& call : hanging) {
        EXPECT_TRUE(waitUntil([&] { return call->ended; }));
    }
}

TEST_F(OrderTest, WhoLeavesLetsTheOwnNextCallGoOn) {
    authority_.answer(FakeAuthority::kHang);
    TestCaller leaving{1000, ":1.7"};
    const auto first = mount(leaving, "fonts"), second = mount(leaving, "fonts");
    ASSERT_TRUE(waitForQuestions(1));
    leaving.leave();
    expectFailure(Code::AccessDenied, "left the bus", first);
    expectFailure(Code::AccessDenied, "left the bus", second);
    EXPECT_EQ(authority_.asked().size(), 1U);
}

TEST_F(OrderTest, AContainerNamedTwiceInOneCallIsDoneOnce) {
    const auto up = answer(mountMany(root_, {"fonts", "fonts"}));
    EXPECT_TRUE(std::holds_alternative<Mounted>(up[0]));
    EXPECT_TRUE(hasCode(std::get<std::exception_ptr>(up[1]), Code::AlreadyMounted));
}

}  // namespace
}  // namespace northstar::test
