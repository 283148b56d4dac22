// SPDX-License-Identifier: Apache-2.0
// Directories that are changed by hand: what is copied in, replaced and removed is listed and told of without a Reload.
#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "bus_test.h"

namespace northstar::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Names = std::vector<std::string>;
using Refused = std::vector<sdbus::Struct<std::string, std::string, std::string>>;

class WatchTest : public BusTest {
protected:
    WatchTest() { useOther(""); }
    void useOther(const std::string& more) {
        configureOnly("", "[repositories.other]\ndir = \"" + other_ + "\"\nkeys = [\"" + dataPath("keys/golden.pub") +
                              "\"]\n" + more);
    }
    // As cp does it: not in one step.
    void copyIn(const std::string& data, const std::string& as) const {
        std::ifstream from{dataPath(data), std::ios::binary};
        std::ofstream{other_ + "/" + as, std::ios::binary} << from.rdbuf();
    }
    Names containers() { return client().property<Names>(path_, kRepositoryInterface, "Containers"); }
    Names refusedFiles() {
        Names files;
        for (const auto& refused : client().property<Refused>(path_, kRepositoryInterface, "Refused")) {
            files.push_back(refused.get<0>());
        }
        return files;
    }
    std::ptrdiff_t count(const std::string& member, const Names& args = {}) {
        return std::ranges::count_if(client().signals(), [&](const Signal& signal) {
            return signal.member == member && (args.empty() || signal.args == args);
        });
    }
    testing::AssertionResult comes(const std::string& member, const std::string& container) {
        const auto there = [&] { return count(member, {container, "other"}) > 0; };
        if (client().waitUntil(there, 30s)) return testing::AssertionSuccess();
        return testing::AssertionFailure() << "no " << member << " of " << container;
    }
    // Long enough for a look that should not come, or finds nothing.
    void linger() {
        client().waitUntil([] { return false; }, 2500ms);
    }
    const std::string other_ = directory_ / "other";
    const std::string path_ = std::string{kRoot} + "/repositories/other";
};

TEST_F(WatchTest, WhatIsCopiedInIsListedAndToldOf) {
    EXPECT_EQ(containers(), Names{});
    copyIn("signed/fonts-2.3.4.npk", "fonts.npk");
    ASSERT_TRUE(comes("Installed", "fonts:2.3.4"));
    EXPECT_EQ(containers(), Names{"fonts:2.3.4"});
    EXPECT_EQ(client().listContainers().size(), 1U);
    const auto& signals = client().signals();
    const auto changed = std::ranges::find(signals, "PropertiesChanged", &Signal::member);
    ASSERT_NE(changed, signals.end());
    EXPECT_EQ(changed->path, path_);
    EXPECT_EQ(changed->args, (Names{kRepositoryInterface, "Containers", "Refused", "Used"}));
    EXPECT_LT(changed->serial, std::ranges::find(signals, "Installed", &Signal::member)->serial);
    client().mount("fonts");
}

TEST_F(WatchTest, WhatIsRenamedInReplacedAndRemovedIsToldOf) {
    containers();
    directory_.write("aside.npk", "");
    fs::copy_file(dataPath("signed/multi-1.0.0.npk"), directory_ / "aside.npk", fs::copy_options::overwrite_existing);
    fs::rename(directory_ / "aside.npk", other_ + "/multi.npk");
    ASSERT_TRUE(comes("Installed", "multi:1.0.0"));
    fs::copy_file(dataPath("signed/multi-1.2.0.npk"), other_ + "/.multi.npk.Ab12Cd");
    fs::rename(other_ + "/.multi.npk.Ab12Cd", other_ + "/multi.npk");
    ASSERT_TRUE(comes("Uninstalled", "multi:1.0.0"));
    ASSERT_TRUE(comes("Installed", "multi:1.2.0"));
    EXPECT_EQ(containers(), Names{"multi:1.2.0"});
    fs::create_hard_link(other_ + "/multi.npk", directory_ / "kept");
    fs::remove(other_ + "/multi.npk");
    ASSERT_TRUE(comes("Uninstalled", "multi:1.2.0"));
    EXPECT_EQ(containers(), Names{});
    fs::create_hard_link(directory_ / "kept", other_ + "/linked.npk");
    ASSERT_TRUE(client().waitUntil([&] { return count("Installed", {"multi:1.2.0", "other"}) == 2; }, 30s));
    fs::rename(other_ + "/linked.npk", directory_ / "away");
    ASSERT_TRUE(client().waitUntil([&] { return count("Uninstalled", {"multi:1.2.0", "other"}) == 2; }, 30s));
}

TEST_F(WatchTest, AFileIsReadWhenItsWriterHasClosedIt) {
    containers();
    std::ifstream whole{dataPath("signed/fonts-2.3.4.npk"), std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{whole}, {}};
    std::ofstream writer{other_ + "/fonts.npk", std::ios::binary};
    writer << bytes.substr(0, bytes.size() / 2) << std::flush;
    copyIn("signed/multi-1.0.0.npk", "multi.npk");
    ASSERT_TRUE(comes("Installed", "multi:1.0.0"));
    EXPECT_EQ(refusedFiles(), Names{});
    writer << bytes.substr(bytes.size() / 2);
    writer.close();
    ASSERT_TRUE(comes("Installed", "fonts:2.3.4"));
    EXPECT_EQ(containers(), (Names{"fonts:2.3.4", "multi:1.0.0"}));
}

TEST_F(WatchTest, ABadFileAppearsInRefusedAndGoesFromIt) {
    EXPECT_EQ(refusedFiles(), Names{});
    directory_.write("other/bad.npk", "no package");
    ASSERT_TRUE(client().waitUntil([&] { return refusedFiles() == Names{"bad.npk"}; }, 30s));
    EXPECT_EQ(failureOf([&] { client().mount("bad"); }).name, ownError("InvalidPackage"));
    EXPECT_GE(count("PropertiesChanged"), 1);
    fs::remove(other_ + "/bad.npk");
    EXPECT_TRUE(client().waitUntil([&] { return refusedFiles().empty(); }, 30s));
    EXPECT_EQ(count("Installed") + count("Uninstalled"), 0);
}

TEST_F(WatchTest, WithoutItNothingHappensUntilAReload) {
    useOther("watch = false\n");
    containers();
    copyIn("signed/fonts-2.3.4.npk", "fonts.npk");
    linger();
    EXPECT_EQ(containers(), Names{});
    EXPECT_EQ(client().signals().size(), 0U);
    client().reload();
    EXPECT_EQ(containers(), Names{"fonts:2.3.4"});
}

TEST_F(WatchTest, AReloadTurnsItOnAndOff) {
    useOther("watch = false\n");
    containers();
    useOther("");
    client().reload();
    copyIn("signed/fonts-2.3.4.npk", "fonts.npk");
    ASSERT_TRUE(comes("Installed", "fonts:2.3.4"));
    useOther("watch = false\n");
    client().reload();
    copyIn("signed/multi-1.0.0.npk", "multi.npk");
    linger();
    EXPECT_EQ(containers(), Names{"fonts:2.3.4"});
}

TEST_F(WatchTest, WhatTheServiceItselfDoesIsToldOfOnce) {
    containers();
    client().install("other", openPackageFile("signed/fonts-2.3.4.npk").get());
    linger();
    EXPECT_EQ(count("Installed"), 1);
    EXPECT_EQ(count("PropertiesChanged"), 1);
    client().uninstall("other", "fonts");
    linger();
    EXPECT_EQ(count("Installed") + count("Uninstalled"), 2);
    EXPECT_EQ(count("PropertiesChanged"), 2);
}

TEST_F(WatchTest, ADirectoryThatGoesIsEmptyAndIsReadWhenItComesBack) {
    copyIn("signed/fonts-2.3.4.npk", "fonts.npk");
    EXPECT_EQ(containers(), Names{"fonts:2.3.4"});
    fs::rename(other_, directory_ / "moved");
    ASSERT_TRUE(comes("Uninstalled", "fonts:2.3.4"));
    fs::rename(directory_ / "moved", other_);
    ASSERT_TRUE(comes("Installed", "fonts:2.3.4"));
    fs::remove_all(other_);
    ASSERT_TRUE(client().waitUntil([&] { return count("Uninstalled", {"fonts:2.3.4", "other"}) == 2; }, 30s));
    fs::create_directory(other_);
    copyIn("signed/multi-1.0.0.npk", "multi.npk");
    ASSERT_TRUE(comes("Installed", "multi:1.0.0"));
}

TEST_F(WatchTest, ADirectoryThatIsMissingAtTheStartIsWaitedFor) {
    fs::remove(other_);
    configureOnly("", "[repositories.other]\ndir = \"" + other_ + "/deeper/still\"\n");
    EXPECT_EQ(containers(), Names{});
    fs::create_directories(other_ + "/deeper/still");
    copyIn("signed/fonts-2.3.4.npk", "deeper/still/fonts.npk");
    ASSERT_TRUE(comes("Installed", "fonts:2.3.4"));
}

TEST_F(WatchTest, AFloodIsAFewLooksAndEachContainerIsToldOfOnce) {
    containers();
    for (int round = 0; round < 200; ++round) {
        copyIn("signed/fonts-2.3.4.npk", "fonts.npk");
        copyIn("signed/multi-1.0.0.npk", "multi-" + std::to_string(round) + ".npk");
        if (round > 0) fs::remove(other_ + "/multi-" + std::to_string(round) + ".npk");
    }
    ASSERT_TRUE(comes("Installed", "fonts:2.3.4"));
    ASSERT_TRUE(comes("Installed", "multi:1.0.0"));
    linger();
    EXPECT_EQ(containers(), (Names{"fonts:2.3.4", "multi:1.0.0"}));
    EXPECT_LT(count("PropertiesChanged"), 40);  // of six hundred changes
}

}  // namespace
}  // namespace northstar::test
