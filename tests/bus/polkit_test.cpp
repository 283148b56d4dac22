// SPDX-License-Identifier: Apache-2.0
// When polkit gives no plain answer, or the caller is gone before it is asked.
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <sstream>

#include "bus_test.h"

namespace northstar::test {
namespace {

using Policy = FakePolkit::Policy;

class PolkitTest : public BusTest {
protected:
    PolkitTest() { callAs(1000); }
};

TEST_F(PolkitTest, AQuestionThatTakesTooLongIsWithdrawnAndDenied) {
    polkitTimeout_ = std::chrono::milliseconds{100};
    polkit_->answer(Policy::Hang);
    EXPECT_EQ(failureOf([&] { client().mount("fonts"); }).name, busError("AccessDenied"));
    ASSERT_TRUE(polkit_->waitForCancellations(1));
    EXPECT_EQ(polkit_->cancelled()[0], polkit_->asked()[0].cancellation);
    EXPECT_TRUE(kernel_->live().empty());
}

TEST_F(PolkitTest, AUserHasSixteenQuestionsOpenAtMostAndKeepsNobodyElseWaiting) {
    polkit_->answer(Policy::Hang);
    const auto greedy = newClient(), other = newClient();
    client();
    std::vector<Pending> reloads;
    for (int i = 0; i < 40; ++i) reloads.push_back(greedy->begin<>(kRoot, kService, "Reload", Options{}));
    greedy->listMounts();  // all of them have been read
    ASSERT_TRUE(polkit_->waitForQuestions(16));
    callAs(1001);
    const Pending reload = other->begin<>(kRoot, kService, "Reload", Options{});
    other->waitUntil([] { return true; });
    ASSERT_TRUE(polkit_->waitForQuestions(17));
    EXPECT_EQ(polkit_->asked()[16].subject, other->name());
    polkit_->answer(Policy::Yes);
    polkit_->release(true);
    const auto answered = [](const Pending& call) { return call->has_value(); };
    EXPECT_TRUE(other->waitUntil([&] { return answered(reload); }));
    EXPECT_TRUE(greedy->waitUntil([&] { return std::ranges::all_of(reloads, answered); }));
    for (const auto& call : reloads) EXPECT_EQ((*call)->name, "");
    EXPECT_EQ(polkit_->asked().size(), 41U);
}

TEST_F(PolkitTest, QuestionsWithoutADialogDoNotWaitForDialogs) {
    polkit_->answer(Policy::Hang);
    const auto greedy = newClient(), other = newClient();
    client();
    greedy->interactive = true;
    for (int i = 0; i < 17; ++i) greedy->send(kRoot, kService, "Reload", Options{});
    greedy->listMounts();
    ASSERT_TRUE(polkit_->waitForQuestions(16));
    polkit_->answer(Policy::Yes);
    EXPECT_EQ(failureOf([&] { other->reload(); }).name, "");
    EXPECT_EQ(polkit_->asked().size(), 17U);
}

TEST_F(PolkitTest, WhoWaitsToBeAskedAboutAndLeavesIsForgotten) {
    polkit_->answer(Policy::Hang);
    const auto greedy = newClient();
    client();
    for (int i = 0; i < 16; ++i) greedy->send(kRoot, kService, "Reload", Options{});
    ASSERT_TRUE(polkit_->waitForQuestions(16));
    auto leaving = newClient();
    leaving->send(kRoot, kService, "Reload", Options{});
    leaving->listMounts();
    leaving.reset();
    auto staying = newClient();
    const Pending reload = staying->begin<>(kRoot, kService, "Reload", Options{});
    staying->listMounts();
    polkit_->answer(Policy::Yes);
    polkit_->release(true);
    EXPECT_TRUE(staying->waitUntil([&] { return reload->has_value(); }));
    EXPECT_EQ((*reload)->name, "");
    EXPECT_EQ(polkit_->asked().size(), 17U);
}

TEST_F(PolkitTest, ChallengeOfACallThatMayPromptIsAccessDenied) {
    polkit_->answer(Policy::Challenge);
    client().interactive = true;
    EXPECT_EQ(failureOf([&] { client().mount("fonts"); }).name, busError("AccessDenied"));
    // The option takes the permission to prompt away again.
    EXPECT_EQ(failureOf([&] { client().mount("fonts", {{"auth.no_user_interaction", sdbus::Variant{true}}}); }).name,
              busError("InteractiveAuthorizationRequired"));
}

// While it lives, all that is logged goes there.
class LogInto {
public:
    explicit LogInto(std::ostream& text) {
        const auto logger =
            std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
        logger->set_level(spdlog::level::debug);
        spdlog::set_default_logger(logger);
    }
    ~LogInto() { spdlog::set_default_logger(before_); }
    LogInto(const LogInto&) = delete;
    LogInto& operator=(const LogInto&) = delete;

private:
    std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

TEST_F(PolkitTest, ACallerThatLeftBeforeItsCallWasReadIsNoErrorInTheLog) {
    std::ostringstream text;
    {
        const LogInto log{text};
        Daemon daemon{DaemonOptions{config_, bus_.address(), false}, kernel_};
        auto leaving = newClient();
        leaving->send(kRoot, kService, "Mount", std::string{"fonts"}, Options{});
        const std::string name = leaving->name();
        leaving.reset();
        const auto watcher = bus_.connect();
        const auto driver = sdbus::createProxy(*watcher, bus::ServiceName{"org.freedesktop.DBus"},
                                               sdbus::ObjectPath{"/org/freedesktop/DBus"});
        for (bool there = true; there;) {
            driver->callMethod("NameHasOwner")
                .onInterface("org.freedesktop.DBus")
                .withArguments(name)
                .storeResultsTo(there);
        }
        daemon.stop();  // after what is queued
        daemon.run();
    }
    EXPECT_NE(text.str().find("Cannot tell who called Mount"), std::string::npos) << text.str();
    EXPECT_EQ(text.str().find("[error]"), std::string::npos) << text.str();
}

}  // namespace
}  // namespace northstar::test
