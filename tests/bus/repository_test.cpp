// SPDX-License-Identifier: Apache-2.0
// Install and Uninstall of directory and memory repositories.
#include <algorithm>
#include <filesystem>

#include "bus_test.h"

namespace northstar::test {
namespace {

class RepositoryTest : public BusTest {
protected:
    void useRepository(const std::string& keys) {
        configureOnly("", "[repositories.other]\n" +
                              (type_ == "memory" ? "type = \"memory\"\n" : "dir = \"" + directory_ / "other" + "\"\n") +
                              keys);
    }
    void verified(const std::string& more = {}) {
        useRepository("keys = [\"" + dataPath("keys/golden.pub") + "\"]\n" + more);
    }
    std::string install(const std::string& data) { return client().install("other", openPackageFile(data).get()); }
    std::string installError(const std::string& data) {
        return failureOf([&] { install(data); }).name;
    }
    std::vector<std::string> containers() {
        return client().property<std::vector<std::string>>(path_, kRepositoryInterface, "Containers");
    }
    std::string type_ = "directory";
    const std::string path_ = std::string{kRoot} + "/repositories/other";
};

class BothTypes : public RepositoryTest, public testing::WithParamInterface<std::string> {
protected:
    BothTypes() { type_ = GetParam(); }
};

TEST_P(BothTypes, InstalledContainersAreListedMountedAndUninstalled) {
    verified();
    EXPECT_EQ(install("signed/fonts-2.3.4.npk"), "fonts:2.3.4");
    EXPECT_EQ(containers(), std::vector<std::string>{"fonts:2.3.4"});
    EXPECT_GT(client().property<std::uint64_t>(path_, kRepositoryInterface, "Used"), 36864U);
    const auto mounted = client().mount("fonts");
    EXPECT_TRUE(client().property<bool>(mounted.object, kMountInterface, "Verified"));
    client().unmount("fonts");
    client().uninstall("other", "fonts:2.3.4");
    EXPECT_TRUE(containers().empty());
    EXPECT_EQ(failureOf([&] { client().mount("fonts"); }).name, ownError("NoSuchContainer"));
    EXPECT_TRUE(std::filesystem::is_empty(directory_ / "other"));
    EXPECT_TRUE(nothingLeft());
}

TEST_P(BothTypes, InstalledAndUninstalledAreSaidBeforeTheReply) {
    verified();
    install("signed/fonts-2.3.4.npk");
    const auto installReply = client().replySerial;
    client().uninstall("other", "fonts:2.3.4");
    const auto uninstallReply = client().replySerial;
    const auto installed = client().waitForSignal("Installed"), uninstalled = client().waitForSignal("Uninstalled");
    ASSERT_TRUE(installed && uninstalled);
    EXPECT_EQ(installed->args, (std::vector<std::string>{"fonts:2.3.4", "other"}));
    EXPECT_EQ(uninstalled->args, (std::vector<std::string>{"fonts:2.3.4", "other"}));
    EXPECT_LT(installed->serial, installReply);
    EXPECT_LT(uninstalled->serial, uninstallReply);
}

TEST_P(BothTypes, BadPackagesAreRefusedAndLeaveNothing) {
    verified();
    EXPECT_EQ(installError("unsigned/hello-unsigned-1.0.0.npk"), ownError("InvalidSignature"));
    EXPECT_EQ(installError("stranger/hello-stranger-1.0.0.npk"), ownError("InvalidSignature"));
    EXPECT_EQ(installError("tampered/truncated.npk"), ownError("InvalidPackage"));
    EXPECT_EQ(installError("tampered/fsimg-data-changed.npk"), ownError("Corrupted"));
    EXPECT_TRUE(containers().empty());
    EXPECT_TRUE(std::filesystem::is_empty(directory_ / "other"));
}

TEST_P(BothTypes, InstallingTwiceIsAlreadyInstalled) {
    verified();
    install("signed/fonts-2.3.4.npk");
    EXPECT_EQ(installError("signed/fonts-2.3.4.npk"), ownError("AlreadyInstalled"));
    install("signed/multi-1.0.0.npk");
    install("signed/multi-1.2.0.npk");  // versions stand side by side
    EXPECT_EQ(containers().size(), 3U);
}

TEST_P(BothTypes, InstallingTwiceAtOnceInstallsOnce) {
    verified();
    client();
    std::vector<std::future<std::string>> all;
    for (int i = 0; i < 4; ++i) {
        all.push_back(std::async(std::launch::async, [this] {
            return failureOf([&] { newClient()->install("other", openPackageFile("signed/fonts-2.3.4.npk").get()); })
                .name;
        }));
    }
    std::vector<std::string> names;
    for (auto& one : all) names.push_back(one.get());
    EXPECT_EQ(std::ranges::count(names, ""), 1);
    EXPECT_EQ(std::ranges::count(names, ownError("AlreadyInstalled")), 3);
}

TEST_P(BothTypes, CapacityAndNumberOfContainersAreLimits) {
    verified("max_containers = 1\n");
    install("signed/fonts-2.3.4.npk");
    EXPECT_EQ(installError("signed/multi-1.0.0.npk"), ownError("CapacityExceeded"));
    verified("capacity = \"50kB\"\n");
    client().reload();
    EXPECT_EQ(client().property<std::uint64_t>(path_, kRepositoryInterface, "Capacity"), 50'000U);
    EXPECT_EQ(installError("signed/multi-1.0.0.npk"), ownError("CapacityExceeded"));
    EXPECT_EQ(containers().size(), 1U);
}

TEST_P(BothTypes, LimitsHoldForInstallsAtOnceToo) {
    verified("max_containers = 1\n");
    client();
    std::vector<std::future<std::string>> all;
    for (const char* file : {"signed/fonts-2.3.4.npk", "signed/multi-1.0.0.npk", "signed/multi-1.2.0.npk"}) {
        all.push_back(std::async(std::launch::async, [this, file] {
            return failureOf([&] { newClient()->install("other", openPackageFile(file).get()); }).name;
        }));
    }
    std::vector<std::string> names;
    for (auto& one : all) names.push_back(one.get());
    EXPECT_EQ(std::ranges::count(names, ""), 1);
    EXPECT_EQ(containers().size(), 1U);
}

TEST_P(BothTypes, AMountedContainerIsNotUninstalled) {
    verified();
    install("signed/fonts-2.3.4.npk");
    client().mount("fonts");
    EXPECT_EQ(failureOf([&] { client().uninstall("other", "fonts:2.3.4"); }).name, ownError("Busy"));
    EXPECT_EQ(containers().size(), 1U);
    client().unmount("fonts");
    client().uninstall("other", "fonts:2.3.4");
}

TEST_P(BothTypes, UninstallOfWhatIsNotThereIsNoSuchContainer) {
    verified();
    EXPECT_EQ(failureOf([&] { client().uninstall("other", "fonts:2.3.4"); }).name, ownError("NoSuchContainer"));
}

TEST_P(BothTypes, ReloadKeepsWhatIsInstalled) {
    verified();
    install("signed/fonts-2.3.4.npk");
    client().reload();
    EXPECT_EQ(containers(), std::vector<std::string>{"fonts:2.3.4"});
    client().mount("fonts");
}

INSTANTIATE_TEST_SUITE_P(Repositories, BothTypes, testing::Values("directory", "memory"),
                         [](const auto& type) { return type.param; });

TEST_F(RepositoryTest, AKeylessRepositoryTakesUnsignedPackages) {
    useRepository("");
    EXPECT_EQ(install("unsigned/hello-unsigned-1.0.0.npk"), "hello-unsigned:1.0.0");
}

TEST_F(RepositoryTest, InstalledPackagesAreThereAfterARestart) {
    verified();
    install("signed/fonts-2.3.4.npk");
    stop();
    EXPECT_EQ(containers(), std::vector<std::string>{"fonts:2.3.4"});
}

TEST_F(RepositoryTest, InterruptedInstallsAreRemovedAtStart) {
    verified();
    directory_.write("other/.northstar-install-abcdef", "half a package");
    client();
    EXPECT_TRUE(std::filesystem::is_empty(directory_ / "other"));
}

TEST_F(RepositoryTest, MemoryRepositoriesMountWithoutDmVerityAndAreEmptyAfterARestart) {
    type_ = "memory";
    kernel_->setVerityAvailable(false);
    verified();
    install("signed/fonts-2.3.4.npk");
    const auto mounted = client().mount("fonts");
    EXPECT_TRUE(client().property<bool>(mounted.object, kMountInterface, "Verified"));
    EXPECT_EQ(client().property<std::string>(path_, kRepositoryInterface, "Type"), "memory");
    stop();
    EXPECT_TRUE(containers().empty());
    EXPECT_EQ(client().listMounts().size(), 1U);  // the mount holds its memory
    client().unmount("fonts");
    EXPECT_TRUE(nothingLeft());
}

}  // namespace
}  // namespace northstar::test
