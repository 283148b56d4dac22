// SPDX-License-Identifier: Apache-2.0
// Questions about a mount that goes while they are open: they are cancelled, and their calls end.
#include "engine_test.h"

namespace northstar::test {
namespace {

class WithdrawnTest : public EngineTest {
protected:
    // Root's mount, and the user's question about taking it down.
    Pending<void> askAboutFonts() {
        mounted_ = mountAsRoot("fonts");
        authority_.answer(FakeAuthority::kHang);
        auto call = unmount(user_, "fonts");
        EXPECT_TRUE(waitForQuestions(1));
        return call;
    }
    Mounted mounted_;
};

TEST_F(WithdrawnTest, AnUnmountEndsWhenItsMountIsTakenDown) {
    const auto call = askAboutFonts();
    answer(unmount(root_, "fonts"));
    expectFailure(Code::NotMounted, "taken down while polkit was asked", call);
}

TEST_F(WithdrawnTest, TheQuestionIsCancelledWhenItsMountIsTakenDown) {
    const auto call = askAboutFonts();
    answer(unmount(root_, "fonts"));
    EXPECT_EQ(authority_.cancelled(), 1U);
    EXPECT_EQ(authority_.hanging(), 0U);
}

TEST_F(WithdrawnTest, AnUnmountEndsWhenSomebodyElseTakesItsMountDown) {
    const auto call = askAboutFonts();
    kernel_.unmountExternally(mounted_.mountPoint);
    expectFailure(Code::NotMounted, "taken down while polkit was asked", call);
    EXPECT_EQ(authority_.cancelled(), 1U);
}

TEST_F(WithdrawnTest, AnUnmountByNameDoesNotTakeTheNextMountOfThatName) {
    const auto call = askAboutFonts();
    answer(unmount(root_, "fonts"));
    mountAsRoot("fonts");
    authority_.release(Verdict::Granted);  // too late
    expectFailure(Code::NotMounted, "taken down", call);
    EXPECT_EQ(registry().mounts().size(), 1U);
}

TEST_F(WithdrawnTest, OpenEndsWhenItsMountIsTakenDown) {
    const Mounted mounted = mountAsRoot("fonts");
    authority_.answer(FakeAuthority::kHang);
    const auto call = begin(methods().opener.open(user_.calls("Open", "org.northstar.Mounter.Mount"),
                                                  {"the mount", MountRef::Id{mounted.id}}));
    ASSERT_TRUE(waitForQuestions(1));
    answer(unmount(root_, "fonts"));
    if (!waitUntil([&] { return call->ended; })) FAIL() << "Open never ends";
    EXPECT_TRUE(hasCode(call->error, Code::NotMounted));
}

TEST_F(WithdrawnTest, UnmountManyGoesOnWithTheNext) {
    mountAsRoot("hello-gzip");
    mountAsRoot("fonts");
    authority_.answer(FakeAuthority::kHang);
    const auto call = unmountMany(user_, {"fonts", "hello-gzip"});
    ASSERT_TRUE(waitForQuestions(1));
    answer(unmount(root_, "fonts"));
    ASSERT_TRUE(waitForQuestions(2));
    authority_.release(Verdict::Granted);
    const auto outcomes = answer(call);
    EXPECT_TRUE(hasCode(outcomes.at(0), Code::NotMounted));
    EXPECT_EQ(outcomes.at(1), nullptr);
}

TEST_F(WithdrawnTest, QuestionsAboutOtherMountsStay) {
    mountAsRoot("hello-gzip");
    const auto call = askAboutFonts();
    answer(unmount(root_, "hello-gzip"));
    EXPECT_EQ(authority_.cancelled(), 0U);
    authority_.release(Verdict::Granted);
    EXPECT_NO_THROW(answer(call));
}

TEST_F(WithdrawnTest, QuestionsStayWhenAnUnmountFails) {
    const auto call = askAboutFonts();
    kernel_.failNext("unmount", Error{Code::Failed, "ordered"});
    expectFailure(Code::Failed, "ordered", unmount(root_, "fonts"));
    EXPECT_EQ(authority_.hanging(), 1U);
    EXPECT_FALSE(call->ended);
}

}  // namespace
}  // namespace northstar::test
