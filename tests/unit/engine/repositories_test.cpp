// SPDX-License-Identifier: Apache-2.0
// Install, Uninstall and Reload: one after another, in the order in which they were asked for.
#include <filesystem>

#include "engine_test.h"
#include "support/test_data.h"

namespace northstar::test {
namespace {

const std::string kFontsFile = "signed/fonts-2.3.4.npk";

class RepositoriesTest : public EngineTest {
protected:
    [[nodiscard]] static std::string memory(const Texts& keys) {
        return "[repositories.other]\ntype = \"memory\"\n" + keyList(keys);
    }
    Pending<std::string> install(const TestCaller& caller, const std::string& data = kFontsFile) {
        return begin(
            methods().repositories.install(caller.calls("Install", kInterface), "other", CallerFd{openData(data)}));
    }
    Pending<void> uninstall(const TestCaller& caller, const std::string& what) {
        return begin(methods().repositories.uninstall(caller.calls("Uninstall", kInterface), "other", what));
    }
    Texts containers() {
        Texts names;
        for (const auto& [name, entry] : world().catalog.repository("other")->content.entries) names.push_back(name);
        return names;
    }
    static constexpr const char* kInterface = "org.northstar.Mounter.Repository";
};

TEST_F(RepositoriesTest, AnInstallIsToldOfWhenTheCatalogShowsIt) {
    configure("", repository("other", {"golden"}));
    Texts shown;
    recorder_.onEvent = [&] { shown = containers(); };
    EXPECT_EQ(answer(install(root_)), "fonts:2.3.4");
    EXPECT_EQ(recorder_.events, Texts{"installed fonts:2.3.4 other"});
    EXPECT_EQ(shown, Texts{"fonts:2.3.4"});
}

TEST_F(RepositoriesTest, AnUninstallIsToldOfWhenTheCatalogShowsItNoMore) {
    configure("", repository("other", {"golden"}));
    addPackage("other", kFontsFile);
    Texts shown{"?"};
    recorder_.onEvent = [&] { shown = containers(); };
    answer(uninstall(root_, "fonts"));
    EXPECT_EQ(recorder_.events, Texts{"uninstalled fonts:2.3.4 other"});
    EXPECT_EQ(shown, Texts{});
    EXPECT_TRUE(std::filesystem::is_empty(directory_ / "other"));
}

TEST_F(RepositoriesTest, AnInstallOfWhatIsUninstalledComesAfterIt) {
    configure("", repository("other", {"golden"}));
    addPackage("other", kFontsFile);
    const auto out = uninstall(root_, "fonts");
    const auto in = install(root_);
    EXPECT_NO_THROW(answer(out));
    EXPECT_NO_THROW(answer(in));
    EXPECT_EQ(recorder_.events, (Texts{"uninstalled fonts:2.3.4 other", "installed fonts:2.3.4 other"}));
    EXPECT_EQ(containers(), Texts{"fonts:2.3.4"});
}

// A reload takes over what is in memory when its turn comes, not when it was sent.
TEST_F(RepositoriesTest, AReloadBehindAnInstallLosesNothing) {
    configure("", memory({"golden"}));
    const auto in = install(root_);
    const auto again = reload(root_);
    EXPECT_NO_THROW(answer(in));
    EXPECT_NO_THROW(answer(again));
    EXPECT_EQ(containers(), Texts{"fonts:2.3.4"});
}

TEST_F(RepositoriesTest, AReloadBehindAnUninstallBringsNothingBack) {
    configure("", memory({"golden"}));
    answer(install(root_));
    const auto out = uninstall(root_, "fonts");
    const auto again = reload(root_);
    EXPECT_NO_THROW(answer(out));
    EXPECT_NO_THROW(answer(again));
    EXPECT_EQ(containers(), Texts{});
}

TEST_F(RepositoriesTest, AnInstallBehindAReloadThatBringsOtherKeysIsRefused) {
    configure("", memory({"golden"}));
    engine();
    configure("", memory({"stranger"}));
    const auto again = reload(root_);
    const auto in = install(root_);
    EXPECT_NO_THROW(answer(again));
    expectFailure(Code::InvalidSignature, "other", in);
    EXPECT_EQ(containers(), Texts{});
}

TEST_F(RepositoriesTest, AReloadDropsWhatTheNewKeysOfAMemoryRepositoryDidNotSign) {
    configure("", memory({"golden", "stranger"}));
    answer(install(root_));
    answer(install(root_, "stranger/hello-stranger-1.0.0.npk"));
    configure("", memory({"stranger"}));
    answer(reload(root_));
    EXPECT_EQ(containers(), Texts{"hello-stranger:1.0.0"});
    EXPECT_EQ(Texts(recorder_.events.begin() + 2, recorder_.events.end()),
              (Texts{"repositories replaced", "uninstalled fonts:2.3.4 other"}));
}

TEST_F(RepositoriesTest, AReloadWithOneMoreKeyDropsNothing) {
    configure("", memory({"golden"}));
    answer(install(root_));
    configure("", memory({"golden", "stranger"}));
    answer(reload(root_));
    EXPECT_EQ(containers(), Texts{"fonts:2.3.4"});
}

TEST_F(RepositoriesTest, AReloadOfABadConfigurationChangesNothing) {
    configure("", memory({"golden"}));
    answer(install(root_));
    directory_.write("mounter.toml", "colour = 7\n");
    expectFailure(Code::Failed, "mounter.toml:1:1: colour", reload(root_));
    EXPECT_EQ(containers(), Texts{"fonts:2.3.4"});
    EXPECT_EQ(recorder_.count("repositories replaced"), 0);
}

TEST_F(RepositoriesTest, AReloadSeesThatVerityCame) {
    kernel_.setVerityAvailable(false);
    engine();
    kernel_.setVerityAvailable(true);
    answer(reload(root_));
    EXPECT_TRUE(engine().verityAvailable());
    EXPECT_EQ(recorder_.count("verity available changed"), 1);
}

TEST_F(RepositoriesTest, AReloadPutsTheAuthorizationInForce) {
    engine();
    configure("authorization = \"root-only\"");
    answer(reload(root_));
    expectFailure(Code::AccessDenied, "root-only", mount(user_, "fonts"));
}

TEST_F(RepositoriesTest, AReloadToRootOnlyAlsoCountsForAnOpenQuestion) {
    authority_.answer(FakeAuthority::kHang);
    const auto call = mount(user_, "fonts");
    ASSERT_TRUE(waitForQuestions(1));
    configure("authorization = \"root-only\"");
    answer(reload(root_));
    authority_.release(Verdict::Granted);
    expectFailure(Code::AccessDenied, "root-only", call);
    EXPECT_EQ(kernelCalls(), Texts{});
}

TEST_F(RepositoriesTest, NothingChangesInOneWhoseKeysWentWhileItWasAskedFor) {
    configure("", repository("other", {"golden"}));
    addPackage("other", "signed/multi-1.2.0.npk");
    authority_.answer(FakeAuthority::kHang);
    const auto in = install(user_);
    const auto out = uninstall(TestCaller{1001, ":1.3"}, "multi");
    ASSERT_TRUE(waitForQuestions(2));
    configure("", repository("other", {}));
    answer(reload(root_));
    authority_.release(Verdict::Granted);
    expectFailure(Code::Failed, "its keys changed at this moment; try again", in);
    expectFailure(Code::Failed, "its keys changed at this moment; try again", out);
    EXPECT_EQ(containers(), Texts{"multi:1.2.0"});
}

TEST_F(RepositoriesTest, WhatIsMountedIsNotUninstalled) {
    configureOnly("", repository("other", {"golden"}));
    addPackage("other", kFontsFile);
    mountAsRoot("fonts");
    expectFailure(Code::Busy, "it is mounted", uninstall(root_, "fonts"));
    EXPECT_EQ(containers(), Texts{"fonts:2.3.4"});
}

TEST_F(RepositoriesTest, WhatIsBeingMountedIsNotUninstalled) {
    configureOnly("", repository("other", {"golden"}));
    addPackage("other", kFontsFile);
    FakeKernel::Gate gate{kernel_, "attachLoop"};
    const auto up = mount(root_, "fonts");
    ASSERT_TRUE(waitForKernel("attachLoop"));
    expectFailure(Code::Busy, "being mounted", uninstall(root_, "fonts"));
    gate.open();
    EXPECT_NO_THROW(answer(up));
}

TEST_F(RepositoriesTest, WhoIsDeniedChangesNothing) {
    configure("", repository("other", {"golden"}));
    addPackage("other", "signed/multi-1.2.0.npk");
    authority_.answer(Verdict::Denied);
    expectFailure(Code::AccessDenied, "manage-repository", install(user_));
    expectFailure(Code::AccessDenied, "manage-repository", uninstall(user_, "multi"));
    expectFailure(Code::AccessDenied, "reload", reload(user_));
    EXPECT_EQ(containers(), Texts{"multi:1.2.0"});
    EXPECT_EQ(recorder_.events, Texts{});
}

TEST_F(RepositoriesTest, AFileThatMayStallIsInstalledForRootOnly) {
    configure("", repository("other", {"golden"}));
    kernel_.setFilesystemType("fuse");
    expectFailure(Code::InvalidArgs, "may stall", install(user_));
    EXPECT_NO_THROW(answer(install(root_)));
}

TEST_F(RepositoriesTest, AQuestionAboutAnInstallKeepsNoMountWaiting) {
    configure("", repository("other", {"golden"}));
    authority_.answer(action::kManageRepository, FakeAuthority::kHang);
    const auto in = install(user_);
    ASSERT_TRUE(waitForQuestions(1));
    EXPECT_NO_THROW(mountAsRoot("fonts"));
    EXPECT_FALSE(in->ended);
}

}  // namespace
}  // namespace northstar::test
