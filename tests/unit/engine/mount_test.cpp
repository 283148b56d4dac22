// SPDX-License-Identifier: Apache-2.0
// Mount and MountMany, stage by stage.
#include <algorithm>
#include <filesystem>

#include "engine_test.h"

namespace northstar::test {
namespace {

const std::string kFonts = "fonts:2.3.4";

TEST_F(EngineTest, TheKernelIsNotTouchedBeforeTheCallerIsAuthorized) {
    authority_.answer(FakeAuthority::kHang);
    const auto call = mount(user_, "fonts");
    ASSERT_TRUE(waitForQuestions(1));
    linger();
    EXPECT_EQ(kernelCalls(), Texts{});
    authority_.release(Verdict::Granted);
    EXPECT_EQ(answer(call).mountPoint, runDir() + "/" + kFonts);
}

TEST_F(EngineTest, AMountIsToldOfWhenTheRegistryShowsIt) {
    bool shown = false;
    recorder_.onEvent = [&] { shown = registry().findByMountPoint(runDir() + "/" + kFonts) != nullptr; };
    mountAsRoot("fonts");
    EXPECT_EQ(recorder_.events, Texts{"mounted " + kFonts});
    EXPECT_TRUE(shown);
}

TEST_F(EngineTest, AMountIsToldOfBeforeItsCallIsAnswered) {
    Pending<Mounted> call;
    bool before = false;
    recorder_.onEvent = [&] { before = !call->ended; };
    call = mount(root_, "fonts");
    answer(call);
    EXPECT_TRUE(before);
}

TEST_F(EngineTest, TheAnswerIsWhatTheRegistryKnows) {
    const Mounted mounted = answer(mount(user_, "fonts"));
    const MountRecord* record = registry().find(mounted.id);
    ASSERT_NE(record, nullptr);
    EXPECT_EQ(record->mountPoint, mounted.mountPoint);
    EXPECT_EQ(record->ownerUid, 1000U);
    EXPECT_EQ(record->repository, "main");
    EXPECT_TRUE(record->verified);
}

class FailingStep : public EngineTest, public testing::WithParamInterface<const char*> {};

TEST_P(FailingStep, LeavesNothing) {
    kernel_.failNext(GetParam(), Error{Code::DeviceUnavailable, "ordered"});
    expectFailure(Code::DeviceUnavailable, "ordered", mount(root_, "fonts"));
    EXPECT_TRUE(nothingLeft());
    EXPECT_TRUE(registry().mounts().empty());
    EXPECT_EQ(recorder_.events, Texts{});
}

TEST_P(FailingStep, LeavesNoReservation) {
    kernel_.failNext(GetParam(), Error{Code::DeviceUnavailable, "ordered"});
    expectFailure(Code::DeviceUnavailable, "ordered", mount(root_, "fonts"));
    EXPECT_FALSE(registry().isReserved(kFonts, "main"));
    EXPECT_NO_THROW(mountAsRoot("fonts"));
}

INSTANTIATE_TEST_SUITE_P(Mount, FailingStep,
                         testing::Values("attachLoop", "openVerity", "mountDetached", "makeMountPoint", "attach"),
                         [](const auto& step) { return std::string{step.param}; });

TEST_F(EngineTest, WhatIsMountedIsNotMountedThereAgain) {
    mountAsRoot("fonts");
    expectFailure(Code::AlreadyMounted, kFonts, mount(root_, "fonts"));
    EXPECT_EQ(registry().mounts().size(), 1U);
}

TEST_F(EngineTest, ARunDirectoryThatWasRemovedIsMadeAgain) {
    engine();
    std::filesystem::remove_all(runDir());
    mountAsRoot("fonts");
    EXPECT_TRUE(std::filesystem::is_directory(runDir()));
}

TEST_F(EngineTest, TwoCallersForOneMountPointGetOneMount) {
    FakeKernel::Gate gate{kernel_, "attachLoop"};
    const auto first = mount(root_, "fonts");
    const auto second = mount(user_, "fonts");
    ASSERT_TRUE(waitForKernel("attachLoop"));
    linger();
    EXPECT_EQ(callsOf("attachLoop"), 1);
    gate.open();
    EXPECT_NO_THROW(answer(first));
    expectFailure(Code::AlreadyMounted, kFonts, second);
}

TEST_F(EngineTest, TwoContainersForOneMountPointGoOneAfterTheOther) {
    FakeKernel::Gate gate{kernel_, "attachLoop"};
    const auto first = mount(root_, "fonts", {.target = "/srv/x"});
    ASSERT_TRUE(waitForKernel("attachLoop"));
    const auto second = mount(user_, "hello-gzip", {.target = "/srv/x"});
    linger();
    EXPECT_EQ(callsOf("attachLoop"), 1);
    gate.open();
    EXPECT_NO_THROW(answer(first));
    expectFailure(Code::AlreadyMounted, kFonts, second);
}

TEST_F(EngineTest, DifferentContainersAreMountedAtTheSameTime) {
    FakeKernel::Gate gate{kernel_, "attachLoop"};
    const auto first = mount(root_, "fonts"), second = mount(root_, "hello-gzip");
    EXPECT_TRUE(waitForKernel("attachLoop", 2));
    gate.open();
    EXPECT_NO_THROW(answer(first));
    EXPECT_NO_THROW(answer(second));
}

TEST_F(EngineTest, ANameMeansItsHighestVersion) {
    EXPECT_EQ(mountAsRoot("multi").mountPoint, runDir() + "/multi:1.2.0");
}

TEST_F(EngineTest, VersionsOfOneNameAreMountedSideBySide) {
    FakeKernel::Gate gate{kernel_, "attachLoop"};
    const auto low = mount(root_, "multi:0.1.0"), high = mount(root_, "multi:1.2.0");
    EXPECT_TRUE(waitForKernel("attachLoop", 2));
    gate.open();
    EXPECT_EQ(answer(low).mountPoint, runDir() + "/multi:0.1.0");
    EXPECT_EQ(answer(high).mountPoint, runDir() + "/multi:1.2.0");
}

TEST_F(EngineTest, WhatIsNotThereIsNoSuchContainerAndNobodyIsAsked) {
    expectFailure(Code::NoSuchContainer, "nothing", mount(user_, "nothing"));
    expectFailure(Code::NoSuchRepository, "attic", mount(user_, "fonts", {.repository = "attic"}));
    EXPECT_EQ(authority_.actions(), Texts{});
}

TEST_F(EngineTest, AVerifiedContainerAsksForMount) {
    answer(mount(user_, "fonts"));
    ASSERT_EQ(authority_.actions(), Texts{std::string{action::kMount}});
    const auto& question = authority_.asked()[0];
    EXPECT_EQ(question.subject, ":1.2");
    EXPECT_EQ(question.details.at("container"), kFonts);
    EXPECT_EQ(question.details.at("repository"), "main");
    EXPECT_EQ(question.details.at("verified"), "true");
    EXPECT_EQ(question.details.at("target"), runDir() + "/" + kFonts);
}

TEST_F(EngineTest, AnUnverifiedContainerAsksForMountUnverified) {
    answer(mount(user_, "hello-unsigned"));
    EXPECT_EQ(authority_.actions(), Texts{std::string{action::kMountUnverified}});
}

TEST_F(EngineTest, ATargetOutsideRunDirAsksForMountAnywhereToo) {
    answer(mount(user_, "fonts", {.target = "/srv/fonts"}));
    EXPECT_EQ(authority_.actions(), (Texts{std::string{action::kMount}, std::string{action::kMountAnywhere}}));
}

TEST_F(EngineTest, ATargetOfAnotherNameInRunDirAsksForMountOnly) {
    answer(mount(user_, "fonts", {.target = runDir() + "/mine"}));
    EXPECT_EQ(authority_.actions(), Texts{std::string{action::kMount}});
}

TEST_F(EngineTest, TheDefaultPlaceOfASignedContainerIsNotForUnsignedOnesOfItsName) {
    addPackage("plain", "signed/fonts-2.3.4.npk");
    answer(mount(user_, "fonts", {.repository = "plain"}));
    EXPECT_EQ(authority_.actions(),
              (Texts{std::string{action::kMountUnverified}, std::string{action::kMountAnywhere}}));
}

TEST_F(EngineTest, AnotherContainersPlaceInRunDirAsksForMountAnywhereToo) {
    answer(mount(user_, "fonts", {.target = runDir() + "/multi:1.2.0"}));
    EXPECT_EQ(authority_.actions(), (Texts{std::string{action::kMount}, std::string{action::kMountAnywhere}}));
}

TEST_F(EngineTest, WhoIsDeniedTheTargetGetsNoMount) {
    authority_.answer(action::kMountAnywhere, Verdict::Denied);
    expectFailure(Code::AccessDenied, "mount-anywhere", mount(user_, "fonts", {.target = "/srv/fonts"}));
    EXPECT_EQ(kernelCalls(), Texts{});
}

TEST_F(EngineTest, WhoIsDeniedMountUnverifiedGetsNoMount) {
    authority_.answer(action::kMountUnverified, Verdict::Denied);
    expectFailure(Code::AccessDenied, "mount-unverified", mount(user_, "hello-unsigned"));
    EXPECT_EQ(kernelCalls(), Texts{});
}

TEST_F(EngineTest, AMountThatIsUnderWayGoesOnWhenItsCallerLeaves) {
    FakeKernel::Gate gate{kernel_, "attachLoop"};
    const auto call = mount(user_, "fonts");
    ASSERT_TRUE(waitForKernel("attachLoop"));
    user_.leave();
    gate.open();
    EXPECT_NO_THROW(answer(call));
    EXPECT_EQ(registry().mounts().size(), 1U);
}

TEST_F(EngineTest, AMountThatLacksVerityTellsThatItIsNotThere) {
    engine();
    kernel_.setVerityAvailable(false);
    expectFailure(Code::Unsupported, "CONFIG_DM_VERITY", mount(root_, "fonts"));
    EXPECT_EQ(recorder_.events, Texts{"verity available changed"});
    EXPECT_FALSE(engine().verityAvailable());
}

TEST_F(EngineTest, APackageThatWasRemovedByHandIsNoSuchContainer) {
    engine();
    std::filesystem::remove(directory_ / "main/fonts-2.3.4.npk");
    expectFailure(Code::NoSuchContainer, "fonts", mount(root_, "fonts"));
    EXPECT_EQ(kernelCalls(), Texts{});
}

TEST_F(EngineTest, MountManyAnswersEachInTheOrderAsked) {
    kernel_.failNext("attachLoop", Error{Code::DeviceUnavailable, "ordered"});
    const auto outcomes = answer(mountMany(root_, {"nothing", "fonts", "fonts"}));
    ASSERT_EQ(outcomes.size(), 3U);
    EXPECT_TRUE(hasCode(std::get<std::exception_ptr>(outcomes[0]), Code::NoSuchContainer));
    EXPECT_TRUE(hasCode(std::get<std::exception_ptr>(outcomes[1]), Code::DeviceUnavailable));
    EXPECT_EQ(std::get<Mounted>(outcomes[2]).mountPoint, runDir() + "/" + kFonts);
}

TEST_F(EngineTest, MountManyAsksOneQuestionAfterTheOther) {
    authority_.answer(FakeAuthority::kHang);
    const auto call = mountMany(user_, {"fonts", "hello-gzip"});
    ASSERT_TRUE(waitForQuestions(1));
    linger();
    EXPECT_EQ(authority_.asked().size(), 1U);
    authority_.release(Verdict::Denied);
    ASSERT_TRUE(waitForQuestions(2));
    authority_.release(Verdict::Granted);
    const auto outcomes = answer(call);
    EXPECT_TRUE(hasCode(std::get<std::exception_ptr>(outcomes[0]), Code::AccessDenied));
    EXPECT_TRUE(std::holds_alternative<Mounted>(outcomes[1]));
}

TEST_F(EngineTest, MountManyAsksNobodyForTheRestWhenItsCallerLeaves) {
    authority_.answer(FakeAuthority::kHang);
    const auto call = mountMany(user_, {"fonts", "hello-gzip"});
    ASSERT_TRUE(waitForQuestions(1));
    user_.leave();
    const auto outcomes = answer(call);
    EXPECT_EQ(authority_.asked().size(), 1U);
    EXPECT_EQ(authority_.cancelled(), 1U);
    EXPECT_TRUE(hasCode(std::get<std::exception_ptr>(outcomes[1]), Code::AccessDenied));
}

TEST_F(EngineTest, WhatIsToBeMountedAtStartIsMountedAndAFailureKeepsNothingElse) {
    configureOnly("", repository("main", {"golden"}) + "mount_on_start = true\n");
    kernel_.failNext("openVerity", Error{Code::DeviceUnavailable, "ordered"});
    engine();
    EXPECT_TRUE(waitUntil([&] { return registry().mounts().size() == 4; }));
    EXPECT_EQ(authority_.actions(), Texts{});
}

}  // namespace
}  // namespace northstar::test
