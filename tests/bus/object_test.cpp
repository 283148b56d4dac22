// SPDX-License-Identifier: Apache-2.0
// Objects of mounts, and the ObjectManager.
#include <chrono>

#include "bus_test.h"

namespace northstar::test {
namespace {

TEST_F(BusTest, MountObjectTellsAllOfItsMount) {
    callAs(1234);
    const auto before = std::chrono::system_clock::now().time_since_epoch() / std::chrono::microseconds{1};
    const auto mounted = client().mount("hello-gzip");
    const auto text = [&](const char* name) {
        return client().property<std::string>(mounted.object, kMountInterface, name);
    };
    EXPECT_EQ(text("Container"), "hello-gzip:1.0.0");
    EXPECT_EQ(text("Name"), "hello-gzip");
    EXPECT_EQ(text("Version"), "1.0.0");
    EXPECT_EQ(text("Repository"), "main");
    EXPECT_EQ(text("MountPoint"), mounted.mountPoint);
    EXPECT_EQ(text("Source"), directory_ / "main/hello-gzip-1.0.0.npk");
    EXPECT_EQ(text("Device"), "/dev/dm-0");
    EXPECT_EQ(text("LoopDevice"), "/dev/loop0");
    EXPECT_EQ(text("Filesystem"), "squashfs");
    EXPECT_EQ(text("RootHash"), kernel_->lastVerity().rootHash);
    EXPECT_TRUE(client().property<bool>(mounted.object, kMountInterface, "Verified"));
    EXPECT_FALSE(client().property<bool>(mounted.object, kMountInterface, "Corrupted"));
    EXPECT_EQ(client().property<std::uint32_t>(mounted.object, kMountInterface, "OwnerUid"), 1234U);
    const auto at =
        static_cast<std::int64_t>(client().property<std::uint64_t>(mounted.object, kMountInterface, "MountedAt"));
    EXPECT_GE(at, before);
    EXPECT_LT(at, before + 60'000'000);
}

TEST_F(BusTest, ObjectManagerListsRepositoriesAndMounts) {
    const auto mounted = client().mount("hello-gzip");
    const auto objects = client().managedObjects();
    ASSERT_TRUE(objects.contains(sdbus::ObjectPath{mounted.object}));
    const auto& interfaces = objects.at(sdbus::ObjectPath{mounted.object});
    ASSERT_TRUE(interfaces.contains(kMountInterface));
    EXPECT_EQ(interfaces.at(kMountInterface).at("Container").get<std::string>(), "hello-gzip:1.0.0");
    const auto& repository = objects.at(sdbus::ObjectPath{std::string{kRoot} + "/repositories/main"});
    EXPECT_EQ(repository.at(kRepositoryInterface).at("Name").get<std::string>(), "main");
    client().unmount("hello-gzip");
    EXPECT_FALSE(client().managedObjects().contains(sdbus::ObjectPath{mounted.object}));
}

// sd-bus compares a reply with the signature in the object's description, which must not be freed before.
TEST_F(BusTest, MountObjectAnswersTheUnmountThatEndsIt) {
    for (int round = 0; round < 40; ++round) {
        const auto mounted = client().mount(round % 2 == 0 ? "hello-gzip" : "fonts");
        const auto failure = failureOf([&] { client().call<>(mounted.object, kMountInterface, "Unmount", Options{}); });
        ASSERT_EQ(failure.name, "") << "in round " << round << ": " << failure.message;
    }
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, OpenReturnsADescriptorOfTheMount) {
    const auto mounted = client().mount("hello-gzip");
    const auto [fd] = client().call<sdbus::UnixFd>(mounted.object, kMountInterface, "Open", Options{});
    EXPECT_TRUE(fd.isValid());
    EXPECT_EQ(kernel_->calls().back(), "cloneMount");
}

TEST_F(BusTest, OpenOfAMountThatSomebodyTookDownIsNotMounted) {
    const auto mounted = client().mount("hello-gzip");
    kernel_->failNext("cloneMount", Error{Code::NotMounted, "it is gone"});
    EXPECT_EQ(failureOf([&] { client().call<sdbus::UnixFd>(mounted.object, kMountInterface, "Open", Options{}); }).name,
              ownError("NotMounted"));
}

TEST_F(BusTest, OpenOfWhatIsNotVerifiedIsForRootOnly) {
    callAs(1000);
    const std::string mount = client().mount("hello-unsigned").object;
    const auto open = [&] { client().call<sdbus::UnixFd>(mount, kMountInterface, "Open", Options{}); };
    EXPECT_EQ(failureOf(open).name, busError("AccessDenied"));
    callAs(0);
    EXPECT_EQ(failureOf(open).name, "");
}

TEST_F(BusTest, OpenOfAnotherUsersMountNeedsAuthorization) {
    callAs(1000);
    const auto mounted = client().mount("hello-gzip");
    callAs(1001);
    polkit_->answer(FakePolkit::Policy::No);
    EXPECT_EQ(failureOf([&] { client().call<sdbus::UnixFd>(mounted.object, kMountInterface, "Open", Options{}); }).name,
              busError("AccessDenied"));
}

TEST_F(BusTest, HoldersAreForWhoMayUnmount) {
    using Holders = std::vector<sdbus::Struct<std::uint32_t, std::string, std::string>>;
    callAs(1000);
    const auto mounted = client().mount("hello-gzip");
    kernel_->keepBusy(mounted.mountPoint, {{42, "cat", mounted.mountPoint + "/a"}});
    const auto holders = [&] {
        return std::get<0>(client().call<Holders>(mounted.object, kMountInterface, "Holders", Options{}));
    };
    EXPECT_EQ(holders(), (Holders{{42, "cat", mounted.mountPoint + "/a"}}));
    callAs(1001);
    polkit_->answer(FakePolkit::Policy::No);
    EXPECT_EQ(failureOf(holders).name, busError("AccessDenied"));
    kernel_->release(mounted.mountPoint);
}

TEST_F(BusTest, RepositoryObjectTellsWhatItRefused) {
    using Refused = std::vector<sdbus::Struct<std::string, std::string, std::string>>;
    addPackage("main", "stranger/hello-stranger-1.0.0.npk");
    const auto refused =
        client().property<Refused>(std::string{kRoot} + "/repositories/main", kRepositoryInterface, "Refused");
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].get<0>(), "hello-stranger-1.0.0.npk");
    EXPECT_EQ(refused[0].get<1>(), ownError("InvalidSignature"));
    EXPECT_NE(refused[0].get<2>().find("signed"), std::string::npos) << refused[0].get<2>();
}

TEST_F(BusTest, RepositoryObjectTellsAllOfItsRepository) {
    client();
    const std::string path = std::string{kRoot} + "/repositories/main";
    const auto get = [&]<typename T>(const char* name, T) {
        return client().property<T>(path, kRepositoryInterface, name);
    };
    EXPECT_EQ(get("Name", std::string{}), "main");
    EXPECT_EQ(get("Type", std::string{}), "directory");
    EXPECT_EQ(get("Directory", std::string{}), directory_ / "main");
    EXPECT_TRUE(get("Verified", true));
    ASSERT_EQ(get("Keys", std::vector<std::string>{}).size(), 1U);
    EXPECT_EQ(get("Keys", std::vector<std::string>{})[0].size(), 64U);
    EXPECT_EQ(get("Containers", std::vector<std::string>{}).size(), 10U);
    EXPECT_EQ(get("Capacity", std::uint64_t{}), 0U);
    EXPECT_GT(get("Used", std::uint64_t{}), 10U * 32768U);
    EXPECT_EQ(get("MaxContainers", std::uint32_t{}), 0U);
    EXPECT_FALSE(client().property<bool>(std::string{kRoot} + "/repositories/plain", kRepositoryInterface, "Verified"));
}

}  // namespace
}  // namespace northstar::test
