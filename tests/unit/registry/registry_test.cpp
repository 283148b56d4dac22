// SPDX-License-Identifier: Apache-2.0
// What is mounted and what is about to be.
#include "registry/registry.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace northstar::test {
namespace {

MountRecord record(std::uint32_t id, const std::string& name, const std::string& point, uid_t owner = 0) {
    MountRecord made;
    made.id = id;
    made.name = name;
    made.version = "1.0.0";
    made.repository = "main";
    made.mountPoint = point;
    made.ownerUid = owner;
    made.identity.device = 7 * 256 + id;
    made.loopDevice = "/dev/loop" + std::to_string(id);
    return made;
}

const auto kNow = std::chrono::steady_clock::now();

TEST(Registry, AReservedMountPointIsTaken) {
    Registry registry{{0, 0}};
    std::uint32_t id = 0;
    {
        const auto reservation = registry.reserve("/m", 0);
        id = reservation.id();
        expectError(Code::AlreadyMounted, "/m", [&] { static_cast<void>(registry.reserve("/m", 0)); });
    }
    EXPECT_NE(registry.reserve("/m", 0).id(), id);
}

TEST(Registry, AReservationIsNoMount) {
    Registry registry{{0, 0}};
    const auto reservation = registry.reserve("/m", 0);
    const std::uint32_t id = reservation.id();
    EXPECT_EQ(registry.find(id), nullptr);
    EXPECT_TRUE(registry.mounts().empty());
    registry.add(record(id, "a", "/m"));
    ASSERT_NE(registry.find(id), nullptr);
    expectError(Code::AlreadyMounted, "a:1.0.0", [&] { static_cast<void>(registry.reserve("/m", 0)); });
}

TEST(Registry, TellsAllMountedContainersAtOnce) {
    Registry registry{{0, 0}};
    registry.add(record(1, "a", "/m"));
    registry.add(record(2, "a", "/n"));
    registry.add(record(3, "b", "/o"));
    const auto reservation = registry.reserve("/p", 0);
    EXPECT_EQ(registry.mountedContainers(),
              (std::set<std::pair<std::string, std::string>>{{"main", "a:1.0.0"}, {"main", "b:1.0.0"}}));
}

TEST(Registry, WhatWasRemovedIsNotFoundAnyMore) {
    Registry registry{{0, 0}};
    registry.add(record(1, "a", "/m\xff"));
    registry.add(record(2, "a", "/n"));
    EXPECT_EQ(registry.findShownAs("/m\\xff")->id, 1U);
    EXPECT_EQ(registry.findShownAs("/n"), nullptr);  // it is what it shows
    registry.remove(1);
    EXPECT_EQ(registry.findByContainer({"a", {}}), std::set<std::uint32_t>{2});
    EXPECT_EQ(registry.findByContainer({"a", "1.0.0"}), std::set<std::uint32_t>{2});
    EXPECT_EQ(registry.findByMountPoint("/m\xff"), nullptr);
    EXPECT_EQ(registry.findShownAs("/m\\xff"), nullptr);
}

TEST(Registry, NumbersAreNeverGivenTwice) {
    Registry registry{{0, 0}};
    const std::uint32_t first = registry.reserve("/m", 0).id();
    registry.add(record(first, "a", "/m"));
    registry.remove(first);
    EXPECT_GT(registry.reserve("/m", 0).id(), first);
    registry.add(record(100, "adopted", "/n"));
    EXPECT_GT(registry.reserve("/o", 0).id(), 100U);
}

TEST(Registry, LimitsCountMountsAndReservations) {
    Registry registry{{2, 0}};
    registry.add(record(registry.reserve("/1", 0).id(), "a", "/1"));
    {
        const auto second = registry.reserve("/2", 0);
        expectError(Code::LimitsExceeded, "limits.mounts", [&] { static_cast<void>(registry.reserve("/3", 0)); });
    }
    EXPECT_NO_THROW(static_cast<void>(registry.reserve("/3", 0)));
}

TEST(Registry, LimitPerUserExemptsRootAndOthers) {
    Registry registry{{0, 1}};
    registry.add(record(registry.reserve("/1", 1000).id(), "a", "/1", 1000));
    expectError(Code::LimitsExceeded, "1000", [&] { static_cast<void>(registry.reserve("/2", 1000)); });
    EXPECT_NO_THROW(static_cast<void>(registry.reserve("/2", 1001)));
    EXPECT_NO_THROW(static_cast<void>(registry.reserve("/3", 0)));
    EXPECT_NO_THROW(static_cast<void>(registry.reserve("/4", 0)));
}

TEST(Registry, LimitPerUserCountsWhatIsBeingMounted) {
    Registry registry{{0, 1}};
    const auto first = registry.reserve("/1", 1000);
    expectError(Code::LimitsExceeded, "1000", [&] { static_cast<void>(registry.reserve("/2", 1000)); });
    EXPECT_NO_THROW(static_cast<void>(registry.reserve("/2", 1001)));
}

TEST(Registry, WhatIsHeldCountsForWhoHadMountedItUntilItIsLetGo) {
    Registry registry{{2, 1}};
    EXPECT_FALSE(registry.isFull(1000));
    registry.hold(record(1, "a", "/a", 1000), kNow);
    EXPECT_TRUE(registry.isFull(1000));
    EXPECT_FALSE(registry.isFull(1001));
    expectError(Code::LimitsExceeded, "mounts_per_uid", [&] { static_cast<void>(registry.reserve("/b", 1000)); });
    registry.letGo(1);
    EXPECT_FALSE(registry.isFull(1000));
}

TEST(Registry, WhatIsHeldTakesNoPlaceOfAMount) {
    Registry registry{{3, 2}};
    registry.hold(record(1, "a", "/a", 1000), kNow);
    registry.add(record(2, "b", "/b", 1000));
    EXPECT_FALSE(registry.isFull(1000));
    registry.add(record(3, "c", "/c", 1001));
    EXPECT_FALSE(registry.isFull(1002));
    const auto last = registry.reserve("/d", 1000);
    EXPECT_TRUE(registry.isFull(1002));
}

TEST(Registry, WhatIsHeldOfRootsNeverCounts) {
    Registry registry{{2, 1}};
    for (std::uint32_t id = 1; id <= 4; ++id) registry.hold(record(id, "a", "/a"), kNow);
    EXPECT_TRUE(registry.held().empty());
    registry.hold(record(5, "b", "/b", 1000), kNow);
    registry.hold(record(6, "b", "/b", 1001), kNow);
    EXPECT_FALSE(registry.isFull(0));
    EXPECT_NO_THROW(static_cast<void>(registry.reserve("/c", 0)));
}

TEST(Registry, WhatIsHeldDoesNotCountForEver) {
    Registry registry{{0, 1}};
    registry.hold(record(1, "a", "/a", 1000), kNow);
    registry.letGoBefore(kNow);
    EXPECT_TRUE(registry.isFull(1000));
    registry.letGoBefore(kNow + std::chrono::seconds{1});
    EXPECT_FALSE(registry.isFull(1000));
}

TEST(Registry, ALoopDeviceThatIsUsedAgainIsNotHeldByWhatUsedItBefore) {
    Registry registry{{0, 1}};
    registry.hold(record(1, "a", "/a", 1000), kNow);
    MountRecord next = record(2, "b", "/b");
    next.loopDevice = "/dev/loop1";
    registry.add(next);
    EXPECT_TRUE(registry.held().empty());
    registry.hold(record(1, "a", "/a", 1000), kNow);
    EXPECT_TRUE(registry.held().empty());
}

TEST(Registry, FindsByWhatCallersKnow) {
    Registry registry{{0, 0}};
    registry.add(record(1, "a", "/1"));
    registry.add(record(2, "a", "/2"));
    registry.add(record(3, "b", "/3"));
    EXPECT_EQ(registry.findByContainer({"a", "1.0.0"}).size(), 2U);
    EXPECT_EQ(registry.findByContainer({"a", {}}).size(), 2U);
    EXPECT_TRUE(registry.findByContainer({"a", "2.0.0"}).empty());
    EXPECT_EQ(registry.findByMountPoint("/3")->name, "b");
    EXPECT_EQ(registry.findByMountPoint("/4"), nullptr);
    EXPECT_EQ(registry.findByDevice(7 * 256 + 2).at(0)->mountPoint, "/2");
    EXPECT_TRUE(registry.isMounted("a:1.0.0", "main"));
    EXPECT_FALSE(registry.isMounted("a:1.0.0", "other"));
}

TEST(Registry, AReservationThatBecameAMountIsNotGivenBack) {
    Registry registry{{0, 0}};
    {
        const auto reservation = registry.reserve("/m", 0, "a:1.0.0", "main");
        EXPECT_TRUE(registry.isReserved("a:1.0.0", "main"));
        registry.add(record(reservation.id(), "a", "/m"));
        EXPECT_FALSE(registry.isReserved("a:1.0.0", "main"));
    }
    EXPECT_NE(registry.findByMountPoint("/m"), nullptr);
}

TEST(Registry, AMountIsLeavingWhileItsUnmountIsUnderWay) {
    Registry registry{{0, 0}};
    registry.add(record(1, "a", "/a"));
    {
        const auto leaving = registry.beginUnmount(1);
        EXPECT_TRUE(registry.isLeaving(1));
        EXPECT_FALSE(registry.isLeaving(2));
    }
    EXPECT_FALSE(registry.isLeaving(1));
}

TEST(Registry, ALoopDeviceIsReusedWhenAnotherMountHasIt) {
    Registry registry{{0, 0}};
    const MountRecord gone = record(1, "a", "/a");
    registry.add(gone);
    EXPECT_FALSE(registry.isReused(gone));  // by itself
    MountRecord other = record(2, "a", "/b");
    registry.add(other);
    EXPECT_FALSE(registry.isReused(gone));
    other.loopDevice = gone.loopDevice;
    registry.add(other);
    EXPECT_TRUE(registry.isReused(gone));
}

}  // namespace
}  // namespace northstar::test
