// SPDX-License-Identifier: Apache-2.0
// Who may do what: whom the authority is asked about, in what order, and what its answers become.
#include "auth/authorizer.h"

#include <gtest/gtest.h>

#include "async/scope.h"
#include "support/expect_error.h"
#include "support/fake_authority.h"
#include "support/test_caller.h"

namespace northstar::test {
namespace {

class AuthorizerTest : public testing::Test {
protected:
    struct Asking {
        bool ended = false;
        std::exception_ptr error{};
    };
    using AskingPtr = std::shared_ptr<Asking>;

    AuthorizerTest() { authority_.answer(FakeAuthority::kHang); }
    ~AuthorizerTest() override { authorizer_.close(); }

    static Task<> keep(Task<> task, AskingPtr asking) {
        try {
            co_await task;
        } catch (...) {
            asking->error = std::current_exception();
        }
        asking->ended = true;
    }
    AskingPtr ask(const TestCaller& caller, std::string_view action = action::kMount,
                  std::optional<std::uint32_t> mount = std::nullopt, std::string_view method = "Mount") {
        auto asking = std::make_shared<Asking>();
        scope_.spawn(keep(authorizer_.require(caller.calls(method), action, {{"container", "x"}}, mount), asking));
        return asking;
    }
    // So many calls of one user, a client each.
    std::vector<AskingPtr> askMany(uid_t uid, std::size_t count, bool interactive = true) {
        std::vector<AskingPtr> all;
        for (std::size_t i = 0; i < count; ++i) {
            const std::string name = ":" + std::to_string(uid) + "." + std::to_string(++clients_);
            all.push_back(ask(TestCaller{uid, name, interactive}));
        }
        return all;
    }
    // A call whose question gets this answer.
    AskingPtr answered(FakeAuthority::Reply reply, bool interactive = true) {
        authority_.answer(reply);
        auto asking = ask(TestCaller{1000, ":1.2", interactive});
        loop_.runOnce();
        return asking;
    }
    static void expectGranted(const AskingPtr& asking) {
        EXPECT_TRUE(asking->ended);
        EXPECT_EQ(asking->error, nullptr);
    }
    static void expectRefused(Code code, const std::string& part, const AskingPtr& asking) {
        ASSERT_TRUE(asking->ended);
        ASSERT_NE(asking->error, nullptr);
        expectError(code, part, [&] { std::rethrow_exception(asking->error); });
    }

    EventLoop loop_;
    FakeAuthority authority_{loop_};
    Scope scope_;
    Authorizer authorizer_{authority_, Authorizer::Mode::AskAuthority};
    TestCaller user_{1000, ":1.2"};
    std::size_t clients_ = 0;
};

TEST_F(AuthorizerTest, RootIsNeverAskedAbout) {
    expectGranted(ask(TestCaller{0}));
    EXPECT_EQ(authority_.asked().size(), 0U);
}

TEST_F(AuthorizerTest, RootMayNotUseAnActionThatItsMethodDoesNotHold) {
    expectRefused(Code::AccessDenied, "org.northstar.mounter.reload", ask(TestCaller{0}, action::kReload));
}

TEST_F(AuthorizerTest, NobodyIsAskedForAnActionThatTheMethodDoesNotHold) {
    expectRefused(Code::AccessDenied, "This method may not use", ask(user_, action::kReload));
    EXPECT_EQ(authority_.asked().size(), 0U);
}

TEST_F(AuthorizerTest, TheQuestionSaysWhoWhatAndWhetherAPersonMayBeAsked) {
    ask(TestCaller{1000, ":1.7", false});
    ASSERT_EQ(authority_.asked().size(), 1U);
    const auto& question = authority_.asked()[0];
    EXPECT_EQ(question.subject, ":1.7");
    EXPECT_EQ(question.action, action::kMount);
    EXPECT_EQ(question.details, (Details{{"container", "x"}}));
    EXPECT_FALSE(question.interactive);
}

TEST_F(AuthorizerTest, WhoIsGrantedMay) { expectGranted(answered(Verdict::Granted)); }

TEST_F(AuthorizerTest, WhoIsDeniedIsToldForWhat) {
    expectRefused(Code::AccessDenied, "org.northstar.mounter.mount", answered(Verdict::Denied));
}

TEST_F(AuthorizerTest, WhoMustAuthenticateAndDidNotAllowItIsTold) {
    expectRefused(Code::InteractiveAuthorizationRequired, "org.northstar.mounter.mount",
                  answered(Verdict::NeedsInteraction, false));
}

TEST_F(AuthorizerTest, WhoCouldNotBeAskedToAuthenticateIsDenied) {
    expectRefused(Code::AccessDenied, "nobody could be asked", answered(Verdict::NeedsInteraction, true));
}

TEST_F(AuthorizerTest, AnAuthorityThatFailsDenies) {
    expectRefused(Code::AccessDenied, "as ordered", answered(Verdict::Failed));
}

TEST_F(AuthorizerTest, InRootOnlyModeNobodyIsAsked) {
    authorizer_.setMode(Authorizer::Mode::RootOnly);
    expectRefused(Code::AccessDenied, "root-only", ask(user_));
    expectGranted(ask(TestCaller{0}));
    EXPECT_EQ(authority_.asked().size(), 0U);
}

TEST_F(AuthorizerTest, AnAnswerThatComesInRootOnlyModeDoesNotCount) {
    const auto asking = ask(user_);
    authorizer_.setMode(Authorizer::Mode::RootOnly);
    authority_.release(Verdict::Granted);
    expectRefused(Code::AccessDenied, "root-only", asking);
}

TEST_F(AuthorizerTest, SixteenQuestionsOfAUserAreOpenAtATime) {
    askMany(1000, 20);
    EXPECT_EQ(authority_.hanging(), 16U);
}

TEST_F(AuthorizerTest, AnAnswerLetsTheNextQuestionOfThatUserIn) {
    askMany(1000, 18);
    authority_.release(Verdict::Denied, 1);
    EXPECT_EQ(authority_.asked().size(), 17U);
    EXPECT_EQ(authority_.hanging(), 16U);
}

TEST_F(AuthorizerTest, QuestionsThatWaitAreAskedInOrder) {
    askMany(1000, 20);
    authority_.release(Verdict::Granted, 16);
    ASSERT_EQ(authority_.asked().size(), 20U);
    for (std::size_t i = 0; i < 20; ++i) {
        EXPECT_EQ(authority_.asked()[i].subject, ":1000." + std::to_string(i + 1));
    }
}

TEST_F(AuthorizerTest, OtherUsersAreAskedAboutMeanwhile) {
    askMany(1000, 20);
    const auto other = ask(TestCaller{1001, ":1.3"});
    ASSERT_EQ(authority_.hanging(), 17U);
    EXPECT_EQ(authority_.asked().back().subject, ":1.3");
}

TEST_F(AuthorizerTest, DialogsKeepNoQuestionWithoutOneWaiting) {
    askMany(1000, 20, true);
    askMany(1000, 1, false);
    EXPECT_EQ(authority_.hanging(), 17U);
}

TEST_F(AuthorizerTest, OfThoseWhoWaitTheOneWithFewestQuestionsIsAskedFirst) {
    for (uid_t uid = 2000; uid < 2072; ++uid) askMany(uid, 1);  // no more dialogs
    for (uid_t uid = 3000; uid < 3008; ++uid) askMany(uid, 1, false);
    askMany(1000, 3, false);  // room for two
    ask(TestCaller{1001, ":1.3"});
    ASSERT_EQ(authority_.hanging(), 82U);
    authority_.release(Verdict::Denied, 1);  // a dialog: there is room for either
    EXPECT_EQ(authority_.hanging(), 82U);
    EXPECT_EQ(authority_.asked().back().subject, ":1.3");
}

TEST_F(AuthorizerTest, WhoLeavesIsDeniedAndItsQuestionCancelled) {
    const auto asking = ask(user_);
    user_.leave();
    expectRefused(Code::AccessDenied, "left the bus", asking);
    EXPECT_EQ(authority_.cancelled(), 1U);
}

TEST_F(AuthorizerTest, NobodyIsAskedForACallerThatHasLeft) {
    user_.leave();
    expectRefused(Code::AccessDenied, "left the bus", ask(user_));
    EXPECT_EQ(authority_.asked().size(), 0U);
}

TEST_F(AuthorizerTest, WhoLeavesWhileWaitingIsNeverAskedAbout) {
    askMany(1000, 16);
    const auto waiting = ask(user_), behind = ask(TestCaller{1000, ":1.9"});
    user_.leave();
    expectRefused(Code::AccessDenied, "left the bus", waiting);
    EXPECT_EQ(authority_.cancelled(), 0U);
    authority_.release(Verdict::Granted, 1);
    EXPECT_EQ(authority_.asked().back().subject, ":1.9");
}

TEST_F(AuthorizerTest, WhoLeavesMakesRoomForTheNextOfThatUser) {
    ask(user_);
    askMany(1000, 16);
    ASSERT_EQ(authority_.hanging(), 16U);
    user_.leave();
    EXPECT_EQ(authority_.asked().size(), 17U);
}

TEST_F(AuthorizerTest, QuestionsAboutAMountThatIsGoneAreWithdrawn) {
    const auto asking = ask(user_, action::kUnmountOthers, 7, "Unmount");
    authorizer_.withdraw(7);
    expectRefused(Code::NotMounted, "taken down", asking);
    EXPECT_EQ(authority_.cancelled(), 1U);
}

TEST_F(AuthorizerTest, QuestionsAboutAnotherMountAreNotWithdrawn) {
    const auto asking = ask(user_, action::kUnmountOthers, 8, "Unmount"), none = ask(user_);
    authorizer_.withdraw(7);
    EXPECT_FALSE(asking->ended);
    EXPECT_FALSE(none->ended);
    EXPECT_EQ(authority_.cancelled(), 0U);
}

TEST_F(AuthorizerTest, CloseEndsAllQuestionsAndThoseThatWait) {
    const auto all = askMany(1000, 20);
    authorizer_.close();
    for (const auto& asking : all) expectRefused(Code::AccessDenied, "the service is stopping", asking);
    EXPECT_EQ(authority_.cancelled(), 16U);
    EXPECT_EQ(authority_.asked().size(), 16U);
}

TEST_F(AuthorizerTest, NobodyIsAskedAfterClose) {
    authorizer_.close();
    expectRefused(Code::Failed, "The service is stopping", ask(user_));
    EXPECT_EQ(authority_.asked().size(), 0U);
}

TEST_F(AuthorizerTest, RootMayAfterClose) {
    authorizer_.close();
    expectGranted(ask(TestCaller{0}));
}

TEST_F(AuthorizerTest, UsersWhoseQuestionsHangLeaveRoomForOthers) {
    for (uid_t uid = 2000; uid < 2008; ++uid) askMany(uid, 20);  // dialogs that nobody answers
    EXPECT_LT(authority_.hanging(), 72U);  // the bus would refuse more than 128, also the answers to others
    ask(TestCaller{1000, ":1.9"});
    EXPECT_EQ(authority_.asked().back().subject, ":1.9");
    authority_.release(Verdict::Denied, 1);  // what becomes free is given to those who have fewest
    ask(TestCaller{1001, ":1.10"});
    EXPECT_EQ(authority_.asked().back().subject, ":1.10");
    askMany(2000, 4, false);
    EXPECT_EQ(authority_.asked().back().subject, ":2000." + std::to_string(clients_));
}

}  // namespace
}  // namespace northstar::test
