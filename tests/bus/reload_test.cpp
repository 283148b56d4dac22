// SPDX-License-Identifier: Apache-2.0
// Reload: configuration, keys and repositories again.
#include <filesystem>

#include "bus_test.h"

namespace northstar::test {
namespace {

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
    EXPECT_NE(failure.message.find("mounter.toml:2: colour"), std::string::npos) << failure.message;
    EXPECT_EQ(client().listContainers().size(), 11U);
}

TEST_F(BusTest, ReloadPutsLimitsAndAuthorizationInForce) {
    client().mount("fonts");
    configure("authorization = \"root-only\"\nlimits = { mounts = 1 }");
    client().reload();
    EXPECT_EQ(failureOf([&] { client().mount("hello-gzip"); }).name, busError("LimitsExceeded"));
    callAs(1000);
    EXPECT_EQ(failureOf([&] { client().mount("hello-gzip"); }).name, busError("AccessDenied"));
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
