// SPDX-License-Identifier: Apache-2.0
// Directories that are changed by hand: listed, told of once, in order with Reload, and in nobody's way.
#include "engine/repository_watches.h"

#include <filesystem>

#include "engine_test.h"
#include "support/test_data.h"

namespace northstar::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

const std::string kFontsFile = "signed/fonts-2.3.4.npk";

class RepositoryWatchesTest : public EngineTest {
protected:
    RepositoryWatchesTest() { configureOnly("", repository("other", {"golden"})); }
    Texts containers() {
        Texts names;
        for (const auto& [name, entry] : world().catalog.repository("other")->content.entries) names.push_back(name);
        return names;
    }
    [[nodiscard]] bool comes(const std::string& event) {
        return waitUntil([&] { return recorder_.count(event) > 0; }, 30s);
    }
    void settle() {
        static_cast<void>(waitUntil([] { return false; }, 1500ms));
    }
};

TEST_F(RepositoryWatchesTest, WhatComesIsToldOfWhenTheCatalogShowsIt) {
    EXPECT_EQ(containers(), Texts{});
    Texts shown;
    recorder_.onEvent = [&] { shown = containers(); };
    addPackage("other", kFontsFile);
    ASSERT_TRUE(comes("appeared fonts:2.3.4 other"));
    EXPECT_EQ(shown, Texts{"fonts:2.3.4"});
    fs::remove(directory_ / "other/fonts-2.3.4.npk");
    ASSERT_TRUE(comes("vanished fonts:2.3.4 other"));
    EXPECT_EQ(shown, Texts{});
}

TEST_F(RepositoryWatchesTest, AReloadRightAfterACopyTellsOfItAndNobodyElseDoes) {
    engine();
    addPackage("other", kFontsFile);
    answer(reload(root_));
    settle();
    EXPECT_EQ(recorder_.events, (Texts{"repositories replaced", "appeared fonts:2.3.4 other"}));
}

// What is being installed lies in the directory before the catalog has it.
TEST_F(RepositoryWatchesTest, ALookWaitsForAnInstall) {
    authority_.answer(FakeAuthority::kHang);
    auto in = begin(methods().repositories.install(user_.calls("Install", "org.northstar.Mounter.Repository"), "other",
                                                   CallerFd{openData(kFontsFile)}));
    ASSERT_TRUE(waitForQuestions(1));
    FakeKernel::Gate gate{kernel_, "originOf"};
    authority_.release(Verdict::Granted);
    ASSERT_TRUE(waitForKernel("originOf", 2));
    addPackage("other", "signed/multi-1.2.0.npk");
    settle();
    EXPECT_EQ(recorder_.events, Texts{});
    gate.open();
    answer(in);
    ASSERT_TRUE(comes("appeared multi:1.2.0 other"));
    settle();
    EXPECT_EQ(recorder_.events, (Texts{"installed fonts:2.3.4 other", "appeared multi:1.2.0 other"}));
    EXPECT_EQ(containers(), (Texts{"fonts:2.3.4", "multi:1.2.0"}));
}

TEST_F(RepositoryWatchesTest, AReloadThatTurnsItOffEndsIt) {
    engine();
    configureOnly("", repository("other", {"golden"}) + "watch = false\n");
    addPackage("other", kFontsFile);
    answer(reload(root_));
    addPackage("other", "signed/multi-1.2.0.npk");
    settle();
    EXPECT_EQ(containers(), Texts{"fonts:2.3.4"});
}

// A stop waits for what is in the scope.
TEST_F(RepositoryWatchesTest, ThePauseAfterALookKeepsNoStopWaiting) {
    engine();
    addPackage("other", kFontsFile);
    ASSERT_TRUE(comes("appeared fonts:2.3.4 other"));
    EXPECT_TRUE(waitUntil([&] { return scope_.empty(); }, 900ms));
}

TEST_F(RepositoryWatchesTest, AMountIsNoReasonToReadADirectoryAgain) {
    addPackage("other", kFontsFile);
    engine();
    const auto before = world().catalog.repository("other");
    mountAsRoot("fonts");
    settle();
    EXPECT_EQ(world().catalog.repository("other"), before);
}

TEST_F(RepositoryWatchesTest, WhatIsMountedStaysWhenItsPackageGoes) {
    addPackage("other", kFontsFile);
    mountAsRoot("fonts");
    fs::remove(directory_ / "other/fonts-2.3.4.npk");
    ASSERT_TRUE(comes("vanished fonts:2.3.4 other"));
    EXPECT_EQ(registry().mounts().size(), 1U);
}

}  // namespace
}  // namespace northstar::test
