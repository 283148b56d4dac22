// SPDX-License-Identifier: Apache-2.0
// Who may do what: which actions polkit is asked for, and what its answers become.
#include <filesystem>

#include "bus_test.h"

namespace northstar::test {
namespace {

using Policy = FakePolkit::Policy;
using Actions = std::vector<std::string>;

const std::string kPrefix = "org.northstar.mounter.";
const Options kAllowUnverified{{"allow_unverified", sdbus::Variant{true}}};

class AuthorizationTest : public BusTest {
protected:
    AuthorizationTest() { callAs(1000); }
    std::string lastAction() {
        const auto actions = polkit_->actions();
        return actions.empty() ? "" : actions.back();
    }
};

TEST_F(AuthorizationTest, RootNeedsNoPolkit) {
    callAs(0);
    polkit_.reset();
    client().mount("fonts");
    client().mount("hello-unsigned");
    client().unmount("fonts");
    client().reload();
}

TEST_F(AuthorizationTest, WithoutPolkitOnlyRootMayAct) {
    polkit_.reset();
    EXPECT_EQ(failureOf([&] { client().mount("fonts"); }).name, busError("AccessDenied"));
    EXPECT_TRUE(kernel_->live().empty());
}

TEST_F(AuthorizationTest, YesMountsAndNoDenies) {
    client().mount("fonts");
    EXPECT_EQ(polkit_->actions(), Actions{kPrefix + "mount"});
    polkit_->answer(Policy::No);
    const auto failure = failureOf([&] { client().mount("hello-gzip"); });
    EXPECT_EQ(failure.name, busError("AccessDenied"));
    EXPECT_NE(failure.message.find(kPrefix + "mount"), std::string::npos) << failure.message;
    EXPECT_EQ(client().listMounts().size(), 1U);
}

TEST_F(AuthorizationTest, ChallengeIsInteractiveAuthorizationRequired) {
    polkit_->answer(Policy::Challenge);
    EXPECT_EQ(failureOf([&] { client().mount("fonts"); }).name, busError("InteractiveAuthorizationRequired"));
}

TEST_F(AuthorizationTest, TheSubjectIsTheCallersBusName) {
    client().mount("fonts");
    ASSERT_EQ(polkit_->asked().size(), 1U);
    EXPECT_EQ(polkit_->asked()[0].kind, "system-bus-name");
    EXPECT_EQ(polkit_->asked()[0].subject, client().name());
}

TEST_F(AuthorizationTest, MayPromptOnlyIfTheCallAllowsItAndNoOptionForbidsIt) {
    client().mount("fonts");
    client().interactive = true;
    client().mount("hello-gzip");
    client().mount("hello-xz", {{"auth.no_user_interaction", sdbus::Variant{true}}});
    client().mount("hello-zstd", {{"auth.no_user_interaction", sdbus::Variant{false}}});
    const auto asked = polkit_->asked();
    ASSERT_EQ(asked.size(), 4U);
    EXPECT_FALSE(asked[0].interactive);
    EXPECT_TRUE(asked[1].interactive);
    EXPECT_FALSE(asked[2].interactive);
    EXPECT_TRUE(asked[3].interactive);
}

TEST_F(AuthorizationTest, UnverifiedContainersNeedTheirOwnAction) {
    client().mount("hello-unsigned");
    EXPECT_EQ(polkit_->actions(), Actions{kPrefix + "mount-unverified"});
    EXPECT_EQ(polkit_->asked()[0].details.at("verified"), "false");
}

TEST_F(AuthorizationTest, TargetsElsewhereNeedMountAnywhereToo) {
    client().mount("fonts", {{"target", sdbus::Variant{std::string{"/srv/fonts"}}}});
    EXPECT_EQ(polkit_->actions(), (Actions{kPrefix + "mount", kPrefix + "mount-anywhere"}));
    EXPECT_EQ(polkit_->asked()[1].details.at("target"), "/srv/fonts");
    client().mount("hello-gzip", {{"target", sdbus::Variant{runDir() + "/elsewhere"}}});
    EXPECT_EQ(lastAction(), kPrefix + "mount");
    std::filesystem::create_directory(runDir() + "/inside");
    client().mount("hello-zstd", {{"target", sdbus::Variant{runDir() + "/inside/x"}}});
    EXPECT_EQ(lastAction(), kPrefix + "mount-anywhere");
    // A neighbour whose name only begins like the run directory is elsewhere.
    client().mount("hello-xz", {{"target", sdbus::Variant{runDir() + "-other/x"}}});
    EXPECT_EQ(lastAction(), kPrefix + "mount-anywhere");
}

TEST_F(AuthorizationTest, DeniedMountAnywhereMountsNothing) {
    polkit_->answer(kPrefix + "mount-anywhere", Policy::No);
    EXPECT_EQ(failureOf([&] { client().mount("fonts", {{"target", sdbus::Variant{std::string{"/srv/fonts"}}}}); }).name,
              busError("AccessDenied"));
    EXPECT_TRUE(kernel_->live().empty());
}

TEST_F(AuthorizationTest, MountFileNeedsMountPathBesideTheOthersAndMountFdDoesNot) {
    client().mountFile(dataPath("signed/fonts-2.3.4.npk"));
    EXPECT_EQ(polkit_->actions(), (Actions{kPrefix + "mount-path", kPrefix + "mount"}));
    client().mountFd(openPackageFile("signed/multi-0.1.0.npk").get());
    EXPECT_EQ(polkit_->actions(), (Actions{kPrefix + "mount-path", kPrefix + "mount", kPrefix + "mount"}));
}

TEST_F(AuthorizationTest, WhoMayNotMountPathsDoesNotLearnWhichFilesExist) {
    polkit_->answer(kPrefix + "mount-path", Policy::No);
    const auto there = failureOf([&] { client().mountFile(dataPath("signed/fonts-2.3.4.npk")); });
    const auto missing = failureOf([&] { client().mountFile("/nowhere/x.npk"); });
    EXPECT_EQ(there.name, busError("AccessDenied"));
    EXPECT_EQ(missing.name, there.name);
    EXPECT_EQ(missing.message, there.message);
}

TEST_F(AuthorizationTest, AllowUnverifiedNeedsMountUnverifiedForSignedFilesToo) {
    client().mountFd(openPackageFile("unsigned/hello-unsigned-1.0.0.npk").get(), kAllowUnverified);
    EXPECT_EQ(polkit_->actions(), Actions{kPrefix + "mount-unverified"});
    client().mountFd(openPackageFile("signed/fonts-2.3.4.npk").get(), kAllowUnverified);
    EXPECT_EQ(polkit_->actions(),
              (Actions{kPrefix + "mount-unverified", kPrefix + "mount-unverified", kPrefix + "mount"}));
    EXPECT_EQ(polkit_->asked()[2].details.at("container"), "fonts:2.3.4");
}

TEST_F(AuthorizationTest, NothingUnsignedIsParsedForWhoMayNotMountIt) {
    polkit_->answer(kPrefix + "mount-unverified", Policy::No);
    const std::string path = directory_.write("garbage.npk", "no package at all");
    const UniqueFd garbage{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    EXPECT_EQ(failureOf([&] { client().mountFd(garbage.get(), kAllowUnverified); }).name, busError("AccessDenied"));
    EXPECT_EQ(failureOf([&] { client().mountFile(path, kAllowUnverified); }).name, busError("AccessDenied"));
    EXPECT_EQ(polkit_->actions(),
              (Actions{kPrefix + "mount-unverified", kPrefix + "mount-path", kPrefix + "mount-unverified"}));
}

TEST_F(AuthorizationTest, AFileWhoseKeyIsRemovedDuringTheQuestionIsNotMounted) {
    polkit_->answer(kPrefix + "mount", Policy::Hang);
    client();
    auto waiting = std::async(std::launch::async, [&] {
        return failureOf([&] { newClient()->mountFd(openPackageFile("signed/fonts-2.3.4.npk").get()); }).name;
    });
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    configureOnly("", "");
    client().reload();
    polkit_->release(true);
    EXPECT_EQ(waiting.get(), ownError("InvalidSignature"));
    EXPECT_TRUE(kernel_->live().empty());
}

TEST_F(AuthorizationTest, OnesOwnMountNeedsNothingToUnmountAndAnothersDoes) {
    client().mount("fonts");
    client().mount("hello-gzip");
    const auto before = polkit_->asked().size();
    client().unmount("fonts");
    EXPECT_EQ(polkit_->asked().size(), before);
    callAs(1001);
    polkit_->answer(Policy::No);
    EXPECT_EQ(failureOf([&] { client().unmount("hello-gzip"); }).name, busError("AccessDenied"));
    EXPECT_EQ(lastAction(), kPrefix + "unmount-others");
    EXPECT_EQ(polkit_->asked().back().details.at("container"), "hello-gzip:1.0.0");
    polkit_->answer(Policy::Yes);
    client().unmount("hello-gzip");
    EXPECT_TRUE(nothingLeft());
}

TEST_F(AuthorizationTest, RepositoriesVerifyAndReloadHaveTheirOwnActions) {
    client().verify("fonts");
    EXPECT_EQ(lastAction(), kPrefix + "verify");
    client().reload();
    EXPECT_EQ(lastAction(), kPrefix + "reload");
    client().install("plain", openPackageFile("signed/fonts-2.3.4.npk").get());
    EXPECT_EQ(lastAction(), kPrefix + "manage-repository");
    client().uninstall("plain", "fonts:2.3.4");
    EXPECT_EQ(polkit_->actions().size(), 4U);
    polkit_->answer(Policy::No);
    EXPECT_EQ(failureOf([&] { client().verify("fonts"); }).name, busError("AccessDenied"));
    EXPECT_EQ(failureOf([&] { client().reload(); }).name, busError("AccessDenied"));
    EXPECT_EQ(failureOf([&] { client().uninstall("plain", "hello-unsigned"); }).name, busError("AccessDenied"));
    EXPECT_EQ(failureOf([&] { client().install("plain", openPackageFile("signed/fonts-2.3.4.npk").get()); }).name,
              busError("AccessDenied"));
    EXPECT_TRUE(std::filesystem::exists(directory_ / "plain/hello-unsigned-1.0.0.npk"));
}

TEST_F(AuthorizationTest, RootOnlyAsksNobody) {
    configure("authorization = \"root-only\"");
    EXPECT_EQ(failureOf([&] { client().mount("fonts"); }).name, busError("AccessDenied"));
    EXPECT_TRUE(polkit_->asked().empty());
    callAs(0);
    client().mount("fonts");
}

TEST_F(AuthorizationTest, TheQuestionIsCancelledWhenTheCallerLeaves) {
    polkit_->answer(Policy::Hang);
    client();
    auto impatient = newClient();
    impatient->send(kRoot, kService, "Mount", std::string{"fonts"}, Options{});
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    impatient.reset();
    ASSERT_TRUE(polkit_->waitForCancellations(1));
    EXPECT_EQ(polkit_->cancelled()[0], polkit_->asked()[0].cancellation);
    polkit_->release(true);  // too late: nobody is there any more
    client().listMounts();
    EXPECT_TRUE(kernel_->live().empty());
}

TEST_F(AuthorizationTest, OthersAreServedWhileAQuestionHangs) {
    polkit_->answer(kPrefix + "mount", Policy::Hang);
    client();
    auto waiting = std::async(std::launch::async, [&] { return newClient()->mount("fonts").mountPoint; });
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    client().mount("hello-unsigned");
    EXPECT_EQ(client().listMounts().size(), 1U);
    polkit_->release(true);
    EXPECT_EQ(waiting.get(), runDir() + "/fonts:2.3.4");
}

TEST_F(AuthorizationTest, StateIsLookedAtAgainAfterTheAnswer) {
    polkit_->answer(Policy::Hang);
    client();
    auto waiting = std::async(std::launch::async, [&] { return failureOf([&] { newClient()->mount("fonts"); }).name; });
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    callAs(0);
    client().mount("fonts");
    polkit_->release(true);
    EXPECT_EQ(waiting.get(), ownError("AlreadyMounted"));
    EXPECT_EQ(client().listMounts().size(), 1U);
}

TEST_F(AuthorizationTest, StoppingAnswersWhoWaitsForPolkit) {
    polkit_->answer(Policy::Hang);
    client();
    auto waiting = std::async(std::launch::async, [&] { return failureOf([&] { newClient()->mount("fonts"); }).name; });
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    daemon_->stop();
    EXPECT_NE(waiting.get(), "");
    EXPECT_EQ(daemon_->result(), "0");
}

}  // namespace
}  // namespace northstar::test
