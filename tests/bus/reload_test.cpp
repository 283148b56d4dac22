// SPDX-License-Identifier: Apache-2.0
// Reload: configuration, keys and repositories again.
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "bus_test.h"

namespace northstar::test {
namespace {

namespace fs = std::filesystem;

TEST_F(BusTest, ReloadFindsNewAndGonePackages) {
    EXPECT_EQ(client().listContainers().size(), 11U);
    addPackage("plain", "signed/fonts-2.3.4.npk");
    std::filesystem::remove(directory_ / "main/multi-0.1.0.npk");
    std::filesystem::remove(directory_ / "main/multi-1.0.0.npk");
    client().reload();
    EXPECT_EQ(client().listContainers().size(), 10U);
    EXPECT_EQ(failureOf([&] { client().mount("multi:1.0.0"); }).name, ownError("NoSuchContainer"));
}

TEST_F(BusTest, ReloadAddsAndRemovesRepositoryObjects) {
    client();
    configureOnly("", "[repositories.new]\ndir = \"" + directory_ / "plain" + "\"\n");
    client().reload();
    const auto objects = client().managedObjects();
    EXPECT_TRUE(objects.contains(sdbus::ObjectPath{std::string{kRoot} + "/repositories/new"}));
    EXPECT_FALSE(objects.contains(sdbus::ObjectPath{std::string{kRoot} + "/repositories/main"}));
    EXPECT_TRUE(client().waitForSignal("InterfacesAdded"));
    EXPECT_TRUE(client().waitForSignal("InterfacesRemoved"));
}

TEST_F(BusTest, ReloadWithOtherKeysLooksAtEveryPackageAgain) {
    client();
    configureOnly("", "[repositories.main]\ndir = \"" + directory_ / "main" + "\"\nkeys = [\"" +
                          dataPath("keys/stranger.pub") + "\"]\n");
    client().reload();
    EXPECT_TRUE(client().listContainers().empty());
    EXPECT_EQ(failureOf([&] { client().mount("fonts"); }).name, ownError("InvalidSignature"));
    EXPECT_EQ(failureOf([&] { client().mountFile(dataPath("signed/fonts-2.3.4.npk")); }).name,
              ownError("InvalidSignature"));
}

TEST_F(BusTest, ReloadOfABadConfigurationChangesNothingAndSaysWhere) {
    client();
    directory_.write("mounter.toml", "workers = 1\ncolour = 7\n");
    const auto failure = failureOf([&] { client().reload(); });
    EXPECT_EQ(failure.name, ownError("Failed"));
    EXPECT_NE(failure.message.find("mounter.toml:2:1: colour"), std::string::npos) << failure.message;
    EXPECT_EQ(client().listContainers().size(), 11U);
}

TEST_F(BusTest, ReloadTellsAllThatIsWrongAndChangesNothing) {
    client();
    configureOnly("limits = { mounts = 1 }",
                  "[repositories.new]\ndri = \"/x\"\nkeys = [\"/nowhere/a.pub\", \"/nowhere/b.pub\"]\n");
    const auto failure = failureOf([&] { client().reload(); });
    EXPECT_EQ(failure.name, ownError("Failed"));
    for (const char* part : {"mounter.toml:6:1: repositories.new.dri: unknown key; did you mean \"dir\"?; /",
                             "mounter.toml:7:9: repositories.new.keys: Cannot read the public key /nowhere/a.pub",
                             "mounter.toml:7:27: repositories.new.keys: Cannot read the public key /nowhere/b.pub"}) {
        EXPECT_NE(failure.message.find(part), std::string::npos) << failure.message;
    }
    EXPECT_EQ(failure.message.find('\n'), std::string::npos) << failure.message;
    EXPECT_EQ(client().listContainers().size(), 11U);
    client().mount("fonts");
    client().mount("hello-gzip");  // more than the limit that is not in force
}

TEST_F(BusTest, ReloadTakesANewDropInsRepository) {
    const fs::path root = directory_ / "root";
    fs::create_directories(root / "usr/lib/northstar/mounter.toml.d");
    fs::create_directories(root / "etc/northstar");
    for (const char* folder : {"usr/lib/northstar", "usr/lib/northstar/mounter.toml.d", "etc/northstar"}) {
        fs::permissions(root / folder, fs::perms{0755});  // whatever the umask
    }
    fs::rename(directory_ / "mounter.toml", root / "usr/lib/northstar/mounter.toml");
    config_ = {std::nullopt, root};
    EXPECT_EQ(client().listContainers().size(), 11U);
    addPackage("other", "signed/fonts-2.3.4.npk");
    directory_.write("root/usr/lib/northstar/mounter.toml.d/20-other.toml",
                     "[repositories.other]\ndir = \"" + directory_ / "other" + "\"\n");
    client().reload();
    EXPECT_EQ(client().listContainers().size(), 12U);
    EXPECT_TRUE(client().managedObjects().contains(sdbus::ObjectPath{std::string{kRoot} + "/repositories/other"}));
    fs::create_directory(root / "etc/northstar/mounter.toml.d");
    fs::permissions(root / "etc/northstar/mounter.toml.d", fs::perms{0755});
    fs::create_symlink("/dev/null", root / "etc/northstar/mounter.toml.d/20-other.toml");
    client().reload();
    EXPECT_EQ(client().listContainers().size(), 11U);
}

// A file in its place cannot be read as a directory.
TEST_F(BusTest, ReloadKeepsARepositoryThatCannotBeReadAndSaysSo) {
    const std::string keys = "keys = [\"" + dataPath("keys/golden.pub") + "\"]\n";
    const std::string unwatched = "\"\nwatch = false\n";
    configureOnly("", "[repositories.main]\ndir = \"" + directory_ / "main" + unwatched + keys +
                          "[repositories.plain]\ndir = \"" + directory_ / "plain" + unwatched);
    EXPECT_EQ(client().listContainers().size(), 11U);
    std::filesystem::rename(directory_ / "main", directory_ / "away");
    directory_.write("main", "");
    addPackage("plain", "signed/fonts-2.3.4.npk");
    const auto failure = failureOf([&] { client().reload(); });
    EXPECT_EQ(failure.name, ownError("Failed"));
    EXPECT_NE(failure.message.find("Repository main keeps the 10 containers"), std::string::npos) << failure.message;
    EXPECT_EQ(client().listContainers().size(), 12U);
    std::filesystem::remove(directory_ / "main");
    std::filesystem::rename(directory_ / "away", directory_ / "main");
    client().reload();
    EXPECT_EQ(client().listContainers().size(), 12U);
    client().mount("fonts", {{"repository", sdbus::Variant{std::string{"main"}}}});
}

TEST_F(BusTest, ReloadPutsLimitsAndAuthorizationInForce) {
    client().mount("fonts");
    configure("authorization = \"root-only\"\nlimits = { mounts = 1 }");
    client().reload();
    EXPECT_EQ(failureOf([&] { client().mount("hello-gzip"); }).name, busError("LimitsExceeded"));
    callAs(1000);
    EXPECT_EQ(failureOf([&] { client().mount("hello-gzip"); }).name, busError("AccessDenied"));
}

TEST_F(BusTest, ManySignalsDuringAReloadAreOneMore) {
    handleSignals_ = true;
    client().mount("fonts");
    FakeKernel::Gate gate{*kernel_, "mountsOn"};
    // It has the turn of those that change repositories until it knows that the container is still mounted.
    const Pending before = client().begin<>(std::string{kRoot} + "/repositories/main", kRepositoryInterface,
                                            "Uninstall", std::string{"fonts:2.3.4"}, Options{});
    client().waitUntil([] { return true; });
    ASSERT_TRUE(gate.waitFor(1));
    for (int i = 0; i < 20; ++i) {
        daemon_->signal(SIGHUP);
        client().listMounts();  // it has been read by then: the answer comes in a later turn of the loop
        client().listMounts();
    }
    gate.open();
    const auto reloads = [&] {
        return std::ranges::count_if(client().signals(), [](const Signal& signal) {
            return signal.member == "PropertiesChanged" && signal.path == std::string{kRoot} + "/repositories/main";
        });
    };
    EXPECT_TRUE(client().waitUntil([&] { return before->has_value() && reloads() >= 2; }));
    client().reload();  // after all that wait for their turn
    client().waitUntil([&] { return reloads() > 3; }, std::chrono::milliseconds{300});
    EXPECT_EQ(reloads(), 3);
}

TEST_F(BusTest, MountsStayWhenTheirRepositoryGoes) {
    const auto mounted = client().mount("fonts");
    configureOnly("", "");
    client().reload();
    EXPECT_EQ(client().property<std::string>(mounted.object, kMountInterface, "Repository"), "main");
    client().unmount("fonts");
    EXPECT_TRUE(nothingLeft());
}

}  // namespace
}  // namespace northstar::test
