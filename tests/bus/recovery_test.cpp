// SPDX-License-Identifier: Apache-2.0
// The daemon ends and starts again: what is mounted stays and is known again.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "bus_test.h"

namespace northstar::test {
namespace {

TEST_F(BusTest, MountsOutliveTheDaemonAndAreAdopted) {
    callAs(1000);
    const auto before = client().mount("fonts");
    const auto at = client().property<std::uint64_t>(before.object, kMountInterface, "MountedAt");
    stop();
    const auto list = client().listMounts();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0].get<2>(), before.mountPoint);
    const std::string object = list[0].get<0>();
    EXPECT_EQ(client().property<std::uint64_t>(object, kMountInterface, "MountedAt"), at);
    EXPECT_EQ(client().property<std::uint32_t>(object, kMountInterface, "OwnerUid"), 1000U);
    EXPECT_EQ(client().property<std::uint32_t>(kRoot, kService, "MountCount"), 1U);
    client().unmount("fonts");  // still one's own
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, NumbersOfAdoptedMountsAreNotGivenAgain) {
    const auto first = client().mount("fonts");
    stop();
    EXPECT_NE(client().mount("hello-gzip").object, first.object);
}

TEST_F(BusTest, AMountTakenDownWhileNobodyWatchedIsForgottenAndCleanedUp) {
    const auto mounted = client().mount("fonts");
    stop();
    kernel_->unmountExternally(mounted.mountPoint);
    EXPECT_TRUE(client().listMounts().empty());
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, DevicesOfAnEarlierRunThatNothingUsesAreRemoved) {
    kernel_->addStaleVerity(std::string{kVerityUuidPrefix} + "left");
    kernel_->addStaleVerity("CRYPT-VERITY-of-somebody-else");
    client();
    EXPECT_EQ(kernel_->live(), (std::vector<std::string>{"/dev/dm-1", "/dev/loop1"}));
}

TEST_F(BusTest, AReplaceThatWasInterruptedIsFinishedAndOneThatFailedIsNot) {
    const auto old = client().mount("multi:0.1.0");
    kernel_->failNext("unmount", Error{Code::Busy, "as ordered"});
    const auto failure = failureOf([&] { client().replace("multi:0.1.0", "multi:1.2.0"); });
    EXPECT_EQ(failure.name, ownError("Busy"));
    EXPECT_EQ(client().listMounts().size(), 2U);
    stop();
    EXPECT_EQ(client().listMounts().size(), 2U);
    stop();
    // As if it had been killed between the two steps.
    const std::string record = directory_ / "state/mounts/2.toml";
    std::ifstream file{record};
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    const std::string order = "replaces = 0";
    ASSERT_NE(text.find(order), std::string::npos) << text;
    text.replace(text.find(order), order.size(), "replaces = 1");
    std::ofstream{record} << text;
    const auto list = client().listMounts();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0].get<1>(), "multi:1.2.0");
    EXPECT_EQ(list[0].get<2>(), old.mountPoint);
    client().unmount("multi");
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, AReplacedMountAndItsSuccessorAreToldOfInOrder) {
    const auto old = client().mount("multi:0.1.0");
    const auto now = client().replace(old.mountPoint, "multi", {{"repository", sdbus::Variant{std::string{"main"}}}});
    const auto told = client().waitForSignal("Unmounted");
    ASSERT_TRUE(told);
    EXPECT_EQ(told->args, (std::vector<std::string>{old.object, "multi:0.1.0", old.mountPoint, "replaced"}));
    EXPECT_LT(client().waitForSignal("Mounted", 1)->serial, told->serial);
    EXPECT_EQ(now.mountPoint, old.mountPoint);
    EXPECT_EQ(
        failureOf([&] { client().replace("multi", "multi", {{"target", sdbus::Variant{std::string{"/x"}}}}); }).name,
        busError("InvalidArgs"));
}

TEST_F(BusTest, AnotherMountAtThePathIsNotTakenForOurs) {
    const auto mounted = client().mount("fonts");
    stop();
    kernel_->unmountExternally(mounted.mountPoint);
    const UniqueFd file = openPackageFile("unsigned/hello-unsigned-1.0.0.npk");
    const auto loop = kernel_->attachLoop({file.get(), {0, 4096}, {}});  // takes the same numbers
    VerityTable table;
    table.name = "other";
    table.uuid = "CRYPT-VERITY-other";
    const auto verity = kernel_->openVerity(*loop, table);
    const auto mount = kernel_->mountDetached(*verity, {"squashfs", false, ""});
    const auto point = kernel_->makeMountPoint(mounted.mountPoint);
    mount->attach(*point);
    point->keep();
    EXPECT_TRUE(client().listMounts().empty());
    EXPECT_EQ(failureOf([&] { client().unmount(mounted.mountPoint); }).name, ownError("NotMounted"));
    EXPECT_EQ(kernel_->live().size(), 4U);
}

// Numbers of devices and mounts are used again: the device has to be the very one of the record.
TEST_F(BusTest, AMountOnAnotherDeviceThanItsRecordSaysIsNotAdopted) {
    const auto change = [&](const std::string& key) {
        const std::string file = "state/mounts/" + stateFiles().at(0);
        std::ifstream record{directory_ / file};
        std::string text{std::istreambuf_iterator<char>{record}, {}};
        const std::size_t at = text.find("\n" + key + " = ") + key.size() + 4;
        text.insert(at + (text[at] == '\'' ? 1 : 0), "1");
        directory_.write(file, text);
    };
    client().mount("fonts");
    stop();
    change("verity_uuid");
    EXPECT_TRUE(client().listMounts().empty());
    EXPECT_TRUE(stateFiles().empty());
    client().mount("hello-unsigned");
    stop();
    change("backing_inode");
    EXPECT_TRUE(client().listMounts().empty());
}

TEST_F(BusTest, AKernelWithoutUniqueMountIdsIsRecoveredFromToo) {
    kernel_->setOld(true);
    client().mount("fonts");
    stop();
    ASSERT_EQ(client().listMounts().size(), 1U);
    client().unmount("fonts");
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, AMountThatWasRenamedMeanwhileTakesItsOwnDirectoryWithIt) {
    const auto mounted = client().mount("fonts");
    stop();
    kernel_->renameAbove(mounted.mountPoint, "/srv/renamed");
    kernel_->addDirectory(mounted.mountPoint);  // another one of that name
    EXPECT_EQ(client().property<std::string>(client().listMounts().at(0).get<0>(), kMountInterface, "MountPoint"),
              "/srv/renamed");
    client().unmount("fonts");
    EXPECT_EQ(kernel_->live(), std::vector<std::string>{"dir " + mounted.mountPoint});
}

TEST_F(BusTest, AMountThatIsMovedSaysSo) {
    const auto mounted = client().mount("fonts");
    kernel_->moveMount(mounted.mountPoint, "/srv/elsewhere");
    const std::vector<std::string> wanted{kMountInterface, "MountPoint"};
    std::size_t seen = 0;
    for (; const auto signal = client().waitForSignal("PropertiesChanged", seen); ++seen) {
        if (signal->path == mounted.object && signal->args == wanted) break;
    }
    EXPECT_EQ(client().property<std::string>(mounted.object, kMountInterface, "MountPoint"), "/srv/elsewhere");
    client().unmount("/srv/elsewhere");
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, AMountPointThatIsNoTextIsAdoptedAndShownEscaped) {
    const auto mounted = client().mount("fonts");
    stop();
    kernel_->moveMount(mounted.mountPoint, "/srv/m\xff");
    const auto list = client().listMounts();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0].get<2>(), "/srv/m\\xff");
    const std::string object = list[0].get<0>();
    EXPECT_EQ(client().property<std::string>(object, kMountInterface, "MountPoint"), "/srv/m\\xff");
    kernel_->corrupt("/srv/m\xff", 3);  // writes the state again
    ASSERT_TRUE(client().waitForSignal("CorruptionDetected"));
    stop();
    ASSERT_EQ(client().listMounts().size(), 1U);
    callAs(1000);
    polkit_->answer(FakePolkit::Policy::No);
    EXPECT_EQ(failureOf([&] { client().unmount("fonts"); }).name, busError("AccessDenied"));
    EXPECT_EQ(polkit_->asked().back().details.at("target"), "/srv/m\\xff");
    callAs(0);
    kernel_->keepBusy("/srv/m\xff", {{42, "cat", "/srv/m\xff/file"}});
    EXPECT_EQ(failureOf([&] { client().unmount("fonts"); }).name, ownError("Busy"));
    kernel_->release("/srv/m\xff");
    client().unmount("/srv/m\\xff");
    const auto signal = client().waitForSignal("Unmounted");
    ASSERT_TRUE(signal);
    EXPECT_EQ(signal->args.at(2), "/srv/m\\xff");
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, ABrokenStateFileIsNoReasonNotToStart) {
    std::filesystem::create_directories(directory_ / "state/mounts");
    directory_.write("state/mounts/7.toml", "this is no toml [");
    directory_.write("state/mounts/8.toml", "id = 8\n");
    directory_.write("state/mounts/.9.toml.new", "");
    EXPECT_TRUE(client().listMounts().empty());
    EXPECT_TRUE(stateFiles().empty());
}

}  // namespace
}  // namespace northstar::test
