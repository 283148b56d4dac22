// SPDX-License-Identifier: Apache-2.0
// Corrupted blocks: what is said of them when the kernel tells, and what becomes of those that nobody was told of.
#include <algorithm>

#include "bus_test.h"

namespace northstar::test {
namespace {

constexpr const char* kUnknownBlock = "18446744073709551615";

TEST_F(BusTest, CorruptionIsSaidAndShownByTheMount) {
    const auto mounted = client().mount("hello-gzip");
    const auto intact = client().mount("fonts");
    kernel_->corrupt(mounted.mountPoint, 5);
    const auto signal = client().waitForSignal("CorruptionDetected");
    ASSERT_TRUE(signal);
    EXPECT_EQ(signal->args, (std::vector<std::string>{mounted.object, "hello-gzip:1.0.0", "5"}));
    EXPECT_TRUE(client().property<bool>(mounted.object, kMountInterface, "Corrupted"));
    EXPECT_FALSE(client().property<bool>(intact.object, kMountInterface, "Corrupted"));
    const auto& signals = client().signals();
    const auto changed = std::ranges::find_if(
        signals, [&](const auto& s) { return s.member == "PropertiesChanged" && s.path == mounted.object; });
    ASSERT_NE(changed, signals.end());
    EXPECT_EQ(changed->args, (std::vector<std::string>{kMountInterface, "Corrupted"}));
    EXPECT_LT(changed->serial, signal->serial);
}

TEST_F(BusTest, ACorruptedMountThatVanishesIsGoneForCorruption) {
    const auto bad = client().mount("hello-gzip");
    const auto taken = client().mount("fonts");
    for (const auto& mounted : {bad, taken}) {
        kernel_->corrupt(mounted.mountPoint, 5);
    }
    ASSERT_TRUE(client().waitForSignal("CorruptionDetected", 1));
    client().unmount(taken.object);
    kernel_->unmountExternally(bad.mountPoint);
    const auto request = client().waitForSignal("Unmounted");
    const auto vanished = client().waitForSignal("Unmounted", 1);
    ASSERT_TRUE(request && vanished);
    EXPECT_EQ(request->args.at(3), "request");
    EXPECT_EQ(vanished->args.at(3), "corruption");
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, TheSameBadBlockIsSaidOnce) {
    const auto mounted = client().mount("hello-gzip");
    for (int i = 0; i < 10; ++i) kernel_->corrupt(mounted.mountPoint, 5);
    kernel_->corrupt(mounted.mountPoint, 6);
    ASSERT_TRUE(client().waitForSignal("CorruptionDetected", 1));
    const auto& signals = client().signals();
    EXPECT_EQ(std::ranges::count(signals, "CorruptionDetected", &Signal::member), 2);
}

TEST_F(BusTest, AFloodOfBadBlocksDoesNotKeepCallsWaiting) {
    const auto mounted = client().mount("hello-gzip");
    for (std::uint64_t block = 0; block < 5000; ++block) kernel_->corrupt(mounted.mountPoint, block);
    client().mount("fonts");
    client().unmount(mounted.object);
    EXPECT_LE(std::ranges::count(client().signals(), "CorruptionDetected", &Signal::member), 64);
}

TEST_F(BusTest, CorruptionIsRememberedAcrossARestart) {
    const auto mounted = client().mount("fonts");
    kernel_->corrupt(mounted.mountPoint, 3);
    ASSERT_TRUE(client().waitForSignal("CorruptionDetected"));
    stop();
    ASSERT_EQ(client().listMounts().size(), 1U);
    EXPECT_TRUE(client().property<bool>(client().listMounts()[0].get<0>(), kMountInterface, "Corrupted"));
}

// What was read while no service listened, or before it knew the mount, sent its event to nobody.
TEST_F(BusTest, CorruptionWhileTheServiceIsStoppedIsKnownAtTheNextStart) {
    const auto bad = client().mount("fonts");
    const auto intact = client().mount("hello-gzip");
    stop();
    kernel_->corruptUnseen(bad.mountPoint);
    EXPECT_TRUE(client().property<bool>(bad.object, kMountInterface, "Corrupted"));
    EXPECT_FALSE(client().property<bool>(intact.object, kMountInterface, "Corrupted"));
    client().unmount(intact.object);
    stop();
    const auto asked = std::ranges::count(kernel_->calls(), "isCorrupted");
    EXPECT_TRUE(client().property<bool>(bad.object, kMountInterface, "Corrupted"));
    EXPECT_EQ(std::ranges::count(kernel_->calls(), "isCorrupted"), asked);  // it was written down
}

TEST_F(BusTest, CorruptionBeforeTheMountWasKnownIsFound) {
    client();
    FakeKernel::Gate look{*kernel_, "mountsOn"};
    const auto mounted = client().mount("fonts");
    ASSERT_TRUE(look.waitFor(1));
    kernel_->corruptUnseen(mounted.mountPoint);
    look.open();
    const auto signal = client().waitForSignal("CorruptionDetected");
    ASSERT_TRUE(signal);
    EXPECT_EQ(signal->args, (std::vector<std::string>{mounted.object, "fonts:2.3.4", kUnknownBlock}));
    EXPECT_TRUE(client().property<bool>(mounted.object, kMountInterface, "Corrupted"));
}

TEST_F(BusTest, CorruptionWhoseEventWasLostIsFound) {
    const auto mounted = client().mount("fonts");
    const auto asked = [&] { return std::ranges::count(kernel_->calls(), "isCorrupted"); };
    ASSERT_TRUE(client().waitUntil([&] { return asked() == 1; }));
    kernel_->corruptUnseen(mounted.mountPoint);
    for (int i = 0; i < 3; ++i) kernel_->loseCorruptionEvents();
    const auto signal = client().waitForSignal("CorruptionDetected");
    ASSERT_TRUE(signal);
    EXPECT_EQ(signal->args.at(2), kUnknownBlock);
    EXPECT_TRUE(client().property<bool>(mounted.object, kMountInterface, "Corrupted"));
    EXPECT_EQ(asked(), 2);  // once for all three
}

TEST_F(BusTest, ABlockThatTheKernelTellsOfIsNotAlsoSaidToBeUnknown) {
    client();
    FakeKernel::Gate question{*kernel_, "isCorrupted"};
    const auto mounted = client().mount("fonts");
    ASSERT_TRUE(question.waitFor(1));
    kernel_->corrupt(mounted.mountPoint, 5);
    ASSERT_TRUE(client().waitForSignal("CorruptionDetected"));
    question.open();  // the device says so, too
    client().waitUntil([] { return false; }, std::chrono::milliseconds{300});
    EXPECT_EQ(std::ranges::count(client().signals(), "CorruptionDetected", &Signal::member), 1);
}

TEST_F(BusTest, AnEventOfAnEarlierDeviceOfTheSameNumberIsNotOfThisMount) {
    const auto earlier = client().mount("fonts");
    const Corruption late = kernel_->corruptionOf(earlier.mountPoint, 3);
    client().unmount(earlier.object);
    const auto mounted = client().mount("hello-gzip");
    const Corruption own = kernel_->corruptionOf(mounted.mountPoint, 4);
    ASSERT_EQ(own.device, late.device);
    kernel_->tell(late);
    kernel_->tell(own);
    const auto signal = client().waitForSignal("CorruptionDetected");
    ASSERT_TRUE(signal);
    EXPECT_EQ(signal->args.at(2), "4");
}

}  // namespace
}  // namespace northstar::test
