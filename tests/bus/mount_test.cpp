// SPDX-License-Identifier: Apache-2.0
// Mount: containers of repositories.
#include "bus_test.h"

namespace northstar::test {
namespace {

TEST_F(BusTest, MountReturnsObjectAndMountPointBelowTheRunDirectory) {
    const auto mounted = client().mount("hello-gzip:1.0.0");
    EXPECT_EQ(mounted.mountPoint, runDir() + "/hello-gzip:1.0.0");
    EXPECT_EQ(mounted.object, std::string{kRoot} + "/mounts/1");
    EXPECT_EQ(kernel_->live(), (std::vector<std::string>{"/dev/dm-0", "/dev/loop0", "dir " + mounted.mountPoint,
                                                         "mount " + mounted.mountPoint}));
}

TEST_F(BusTest, MountOfANameTakesItsHighestVersion) {
    EXPECT_EQ(client().mount("multi").mountPoint, runDir() + "/multi:1.2.0");
}

TEST_F(BusTest, MountGivesTheKernelTheSignedRootHashAndTheContext) {
    client().mount("hello-selinux:1.0.0");
    EXPECT_EQ(kernel_->lastVerity().rootHash, client().inspect("hello-selinux")["root_hash"].get<std::string>());
    EXPECT_EQ(kernel_->lastVerity().rootHash.size(), 64U);
    EXPECT_TRUE(kernel_->lastVerity().name.starts_with(kVerityNamePrefix));
    EXPECT_TRUE(kernel_->lastVerity().uuid.starts_with(kVerityUuidPrefix));
    EXPECT_EQ(kernel_->lastVerity().mode, VerityMode::Eio);
    EXPECT_FALSE(kernel_->lastMountOptions().selinuxContext.empty());
    EXPECT_FALSE(kernel_->lastMountOptions().noexec);
}

TEST_F(BusTest, MountPassesOnNoexecAndVerityMode) {
    client().mount("hello-gzip", {{"noexec", sdbus::Variant{true}}, {"verity", sdbus::Variant{std::string{"panic"}}}});
    EXPECT_TRUE(kernel_->lastMountOptions().noexec);
    EXPECT_EQ(kernel_->lastVerity().mode, VerityMode::Panic);
    client().mount("hello-xz", {{"verity", sdbus::Variant{std::string{"restart"}}}});
    EXPECT_EQ(kernel_->lastVerity().mode, VerityMode::Restart);
}

TEST_F(BusTest, MountAtATargetUsesExactlyThatDirectory) {
    kernel_->addDirectory("/srv/app");
    EXPECT_EQ(client().mount("hello-gzip", {{"target", sdbus::Variant{std::string{"/srv/app"}}}}).mountPoint,
              "/srv/app");
    client().unmount("/srv/app");
    EXPECT_EQ(kernel_->live(), std::vector<std::string>{"dir /srv/app"});  // was there before, so it stays
}

TEST_F(BusTest, OneContainerCanBeMountedAtTwoTargets) {
    client().mount("hello-gzip");
    const auto second = client().mount("hello-gzip", {{"target", sdbus::Variant{std::string{"/srv/two"}}}});
    EXPECT_EQ(client().listMounts().size(), 2U);
    EXPECT_EQ(second.object, std::string{kRoot} + "/mounts/2");
}

TEST_F(BusTest, MountOfAKeylessRepositoryUsesNoVerity) {
    const auto mounted = client().mount("hello-unsigned");
    EXPECT_FALSE(client().property<bool>(mounted.object, kMountInterface, "Verified"));
    EXPECT_EQ(client().property<std::string>(mounted.object, kMountInterface, "Device"), "/dev/loop0");
    EXPECT_EQ(client().property<std::string>(mounted.object, kMountInterface, "RootHash"), "");
}

TEST_F(BusTest, RepositoryOptionChoosesWhereToLook) {
    addPackage("other", "signed/hello-gzip-1.0.0.npk");
    configure("", "[repositories.other]\ndir = \"" + directory_ / "other" + "\"\n");
    const auto first = client().mount("hello-gzip");  // verified ones come first
    EXPECT_EQ(client().property<std::string>(first.object, kMountInterface, "Repository"), "main");
    client().unmount(first.object);
    const auto other = client().mount("hello-gzip", {{"repository", sdbus::Variant{std::string{"other"}}}});
    EXPECT_EQ(client().property<std::string>(other.object, kMountInterface, "Repository"), "other");
    EXPECT_FALSE(client().property<bool>(other.object, kMountInterface, "Verified"));
}

TEST_F(BusTest, SealedRepositoryMountsWithoutDmVerity) {
    kernel_->setVerityAvailable(false);
    addPackage("other", "signed/fonts-2.3.4.npk");
    configureOnly("", "[repositories.other]\ndir = \"" + directory_ / "other" +
                          "\"\nverification = \"sealed\"\nkeys = [\"" + dataPath("keys/golden.pub") + "\"]\n");
    const auto mounted = client().mount("fonts");
    EXPECT_TRUE(client().property<bool>(mounted.object, kMountInterface, "Verified"));
    EXPECT_EQ(client().property<std::string>(mounted.object, kMountInterface, "Device"), "/dev/loop0");
    const auto again = client().mount("fonts", {{"target", sdbus::Variant{runDir() + "/again"}}});
    EXPECT_EQ(client().property<std::string>(again.object, kMountInterface, "LoopDevice"), "/dev/loop1");
    EXPECT_EQ(kernel_->loopBacking("/dev/loop0"), kernel_->loopBacking("/dev/loop1"));  // one copy in memory
    client().unmount(again.object);
    client().unmount("fonts");
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, MountOnStartMountsEverythingOfTheRepository) {
    addPackage("other", "signed/fonts-2.3.4.npk");
    configure("", "[repositories.other]\ndir = \"" + directory_ / "other" + "\"\nmount_on_start = true\n");
    EXPECT_TRUE(client().waitUntil([&] { return client().listMounts().size() == 1; }));
    EXPECT_EQ(client().listMounts().at(0).get<1>(), "fonts:2.3.4");
}

}  // namespace
}  // namespace northstar::test
