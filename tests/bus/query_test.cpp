// SPDX-License-Identifier: Apache-2.0
// ListMounts, ListContainers, Inspect, and the properties of the service.
#include <algorithm>

#include "bus_test.h"

namespace northstar::test {
namespace {

TEST_F(BusTest, ListMountsShowsObjectContainerMountPointAndDevice) {
    EXPECT_TRUE(client().listMounts().empty());
    const auto mounted = client().mount("hello-gzip");
    const auto list = client().listMounts();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(std::string{list[0].get<0>()}, mounted.object);
    EXPECT_EQ(list[0].get<1>(), "hello-gzip:1.0.0");
    EXPECT_EQ(list[0].get<2>(), mounted.mountPoint);
    EXPECT_EQ(list[0].get<3>(), "/dev/dm-0");
}

TEST_F(BusTest, ListContainersShowsAllRepositoriesAndWhatIsMounted) {
    client().mount("multi:1.0.0");
    const auto list = client().listContainers();
    EXPECT_EQ(list.size(), 11U);
    const auto mountedOf = [&](const std::string& name, const std::string& version, const std::string& repository) {
        const auto it = std::ranges::find_if(list, [&](const auto& c) {
            return c.template get<0>() == name && c.template get<1>() == version && c.template get<2>() == repository;
        });
        return it == list.end() ? -1 : static_cast<int>(it->template get<3>());
    };
    EXPECT_EQ(mountedOf("multi", "1.0.0", "main"), 1);
    EXPECT_EQ(mountedOf("multi", "1.2.0", "main"), 0);
    EXPECT_EQ(mountedOf("hello-unsigned", "1.0.0", "plain"), 0);
}

TEST_F(BusTest, BadPackagesAreNotListedAndAnswerWithWhatTheyWereRefusedWith) {
    addPackage("other", "unsigned/hello-unsigned-1.0.0.npk");
    addPackage("other", "stranger/hello-stranger-1.0.0.npk");
    addPackage("other", "tampered/truncated.npk");
    addPackage("other", "signed/fonts-2.3.4.npk");
    configureOnly("", "[repositories.other]\ndir = \"" + directory_ / "other" + "\"\nkeys = [\"" +
                          dataPath("keys/golden.pub") + "\"]\n");
    ASSERT_EQ(client().listContainers().size(), 1U);  // one good one among bad ones
    EXPECT_EQ(client().listContainers()[0].get<0>(), "fonts");
    EXPECT_EQ(failureOf([&] { client().mount("hello-unsigned:1.0.0"); }).name, ownError("InvalidSignature"));
    EXPECT_EQ(failureOf([&] { client().mount("hello-stranger"); }).name, ownError("InvalidSignature"));
    EXPECT_EQ(failureOf([&] { client().mount("truncated"); }).name, ownError("InvalidPackage"));
}

TEST_F(BusTest, InspectTellsWhatAPackageIs) {
    auto facts = client().inspect("fonts");
    EXPECT_EQ(facts["name"].get<std::string>(), "fonts");
    EXPECT_EQ(facts["version"].get<std::string>(), "2.3.4");
    EXPECT_EQ(facts["repository"].get<std::string>(), "main");
    EXPECT_EQ(facts["filesystem"].get<std::string>(), "squashfs");
    EXPECT_TRUE(facts["signed"].get<bool>());
    EXPECT_EQ(facts["image_size"].get<std::uint64_t>(), 36864U);
    EXPECT_EQ(facts["image_offset"].get<std::uint64_t>() % 4096, 0U);
    EXPECT_EQ(facts["root_hash"].get<std::string>().size(), 64U);
    EXPECT_EQ(facts["uid"].get<std::uint32_t>(), 1000U);
    EXPECT_TRUE(facts["format"].get<std::string>().starts_with("0.9."));
    EXPECT_FALSE(facts.contains("init"));  // a resource container
    EXPECT_EQ(client().inspect("hello-gzip:1.0.0")["init"].get<std::string>(), "/bin/hello");
}

TEST_F(BusTest, InspectOfAnUnsignedContainerSaysSo) {
    auto facts = client().inspect("hello-unsigned");
    EXPECT_FALSE(facts["signed"].get<bool>());
    EXPECT_EQ(facts["root_hash"].get<std::string>(), "");
    EXPECT_EQ(failureOf([&] { client().inspect("nothing"); }).name, ownError("NoSuchContainer"));
}

TEST_F(BusTest, ServicePropertiesTellVersionRunDirectoryVerityAndCount) {
    EXPECT_FALSE(client().property<std::string>(kRoot, kService, "Version").empty());
    EXPECT_EQ(client().property<std::string>(kRoot, kService, "RunDirectory"), runDir());
    EXPECT_TRUE(client().property<bool>(kRoot, kService, "VerityAvailable"));
    EXPECT_EQ(client().property<std::uint32_t>(kRoot, kService, "MountCount"), 0U);
    client().mount("hello-gzip");
    EXPECT_EQ(client().property<std::uint32_t>(kRoot, kService, "MountCount"), 1U);
    client().unmount("hello-gzip");
    EXPECT_EQ(client().property<std::uint32_t>(kRoot, kService, "MountCount"), 0U);
}

TEST_F(BusTest, VerityAvailableIsFalseOnAKernelWithoutIt) {
    kernel_->setVerityAvailable(false);
    EXPECT_FALSE(client().property<bool>(kRoot, kService, "VerityAvailable"));
}

TEST_F(BusTest, VerityAvailableIsLookedAtAgainByReloadAndByMounts) {
    const auto available = [&] { return client().property<bool>(kRoot, kService, "VerityAvailable"); };
    const auto told = [&] {
        client().waitUntil([] { return true; });  // takes in what has come
        return std::ranges::count(client().signals(), std::vector<std::string>{kService, "VerityAvailable"},
                                  &Signal::args);
    };
    kernel_->setVerityAvailable(false);
    EXPECT_FALSE(available());
    kernel_->setVerityAvailable(true);
    client().reload();
    EXPECT_TRUE(available());
    EXPECT_EQ(told(), 1);
    client().reload();
    EXPECT_EQ(told(), 1);  // nothing new

    kernel_->setVerityAvailable(false);
    EXPECT_EQ(failureOf([&] { client().mount("fonts"); }).name, ownError("Unsupported"));
    EXPECT_FALSE(available());
    kernel_->setVerityAvailable(true);
    client().mount("fonts");
    EXPECT_TRUE(available());
    EXPECT_EQ(told(), 3);
}

TEST_F(BusTest, PropertiesCannotBeWritten) {
    EXPECT_EQ(failureOf([&] {
                  client().call<>(kRoot, kProperties, "Set", kService, "MountCount", sdbus::Variant{std::uint32_t{7}});
              }).name,
              busError("PropertyReadOnly"));
}

TEST_F(BusTest, AnOutsiderMayReadEverythingWithoutBeingAsked) {
    callAs(4711);
    polkit_->answer(FakePolkit::Policy::No);
    client().listMounts();
    client().listContainers();
    client().inspect("fonts");
    client().property<std::uint32_t>(kRoot, kService, "MountCount");
    EXPECT_TRUE(polkit_->asked().empty());
}

}  // namespace
}  // namespace northstar::test
