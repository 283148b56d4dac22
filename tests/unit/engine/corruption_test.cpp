// SPDX-License-Identifier: Apache-2.0
// Corrupted blocks: told of once, written down, and asked for where no event told of them.
#include <fstream>
#include <iterator>

#include "engine_test.h"

namespace northstar::test {
namespace {

const std::string kFonts = "fonts:2.3.4";

class CorruptionTest : public EngineTest {
protected:
    // Its device has been asked already, so nothing but an event is waited for.
    void mountFonts() {
        mounted_ = mountAsRoot("fonts");
        ASSERT_TRUE(waitForKernel("isCorrupted"));
        ASSERT_TRUE(waitUntil([this] { return scope_.empty(); }));
    }
    [[nodiscard]] bool waitForReports(std::ptrdiff_t times = 1) {
        return waitUntil([this, times] { return reports() >= times; });
    }
    [[nodiscard]] std::ptrdiff_t reports() const {
        return std::ranges::count_if(recorder_.events, [](const auto& e) { return e.starts_with("corrupted"); });
    }
    Mounted mounted_;
};

TEST_F(CorruptionTest, IsToldOfWithItsBlockAndShownByTheRegistry) {
    mountFonts();
    bool shown = false;
    recorder_.onEvent = [&] { shown = registry().find(mounted_.id)->corrupted; };
    kernel_.corrupt(mounted_.mountPoint, 5);
    ASSERT_TRUE(waitForReports());
    EXPECT_EQ(recorder_.events.back(), "corrupted " + kFonts + " 5");
    EXPECT_TRUE(shown);
}

TEST_F(CorruptionTest, OfOneBlockIsToldOfOnce) {
    mountFonts();
    for (int i = 0; i < 10; ++i) kernel_.corrupt(mounted_.mountPoint, 5);
    kernel_.corrupt(mounted_.mountPoint, 6);
    ASSERT_TRUE(waitForReports(2));
    linger();
    EXPECT_EQ(reports(), 2);
}

TEST_F(CorruptionTest, OfVeryManyBlocksIsToldOfForSomeOfThem) {
    mountFonts();
    for (std::uint64_t block = 0; block < 200; ++block) kernel_.corrupt(mounted_.mountPoint, block);
    ASSERT_TRUE(waitForReports(64));
    linger();
    EXPECT_EQ(reports(), 64);
}

TEST_F(CorruptionTest, IsWrittenDown) {
    mountFonts();
    kernel_.corrupt(mounted_.mountPoint, 5);
    // Not by StateStore::load(), which would remove what is being written.
    EXPECT_TRUE(waitUntil([&] {
        std::ifstream record{directory_ / "state/mounts/1.toml"};
        const std::string text{std::istreambuf_iterator<char>{record}, {}};
        return text.find("corrupted = true") != std::string::npos;
    }));
}

// The unmount was there first: what it removes is not written again.
TEST_F(CorruptionTest, IsNotWrittenDownOnceAnUnmountThatCameBeforeIsDone) {
    mountFonts();
    FakeKernel::Gate gate{kernel_, "attachLoop"};
    const auto other = mount(root_, "fonts", {.target = "/srv/other"});
    ASSERT_TRUE(waitForKernel("attachLoop", 2));
    const auto down = unmount(TestCaller{0, ":1.9"}, mounted_.mountPoint);  // waits for the other call
    kernel_.corrupt(mounted_.mountPoint, 5);
    ASSERT_TRUE(waitForReports());
    gate.open();
    EXPECT_NO_THROW(answer(down));
    EXPECT_NO_THROW(answer(other));
    ASSERT_TRUE(waitUntil([this] { return scope_.empty(); }));
    EXPECT_EQ(stateFiles(), Texts{"2.toml"});
}

TEST_F(CorruptionTest, DuringAnUnmountIsNotWrittenDown) {
    mountFonts();
    FakeKernel::Gate gate{kernel_, "unmount"};
    const auto down = unmount(root_, "fonts");
    ASSERT_TRUE(waitForKernel("unmount"));
    kernel_.corrupt(mounted_.mountPoint, 5);
    ASSERT_TRUE(waitForReports());
    gate.open();
    answer(down);
    ASSERT_TRUE(waitUntil([this] { return scope_.empty(); }));
    EXPECT_TRUE(nothingLeft());
}

TEST_F(CorruptionTest, IsWhyACorruptedMountIsGone) {
    mountFonts();
    kernel_.corrupt(mounted_.mountPoint, 5);
    ASSERT_TRUE(waitForReports());
    kernel_.unmountExternally(mounted_.mountPoint);
    EXPECT_TRUE(waitUntil([&] { return recorder_.count("unmounted " + kFonts + " corruption") == 1; }));
}

TEST_F(CorruptionTest, BeforeTheMountWasKnownIsFound) {
    FakeKernel::Gate look{kernel_, "mountsOn"};
    const Mounted mounted = mountAsRoot("fonts");
    ASSERT_TRUE(waitForKernel("mountsOn"));
    kernel_.corruptUnseen(mounted.mountPoint);
    look.open();
    ASSERT_TRUE(waitForReports());
    EXPECT_EQ(recorder_.events.back(), "corrupted " + kFonts + " somewhere");
}

TEST_F(CorruptionTest, WhoseEventWasLostIsFound) {
    mountFonts();
    kernel_.corruptUnseen(mounted_.mountPoint);
    kernel_.loseCorruptionEvents();
    ASSERT_TRUE(waitForReports());
    EXPECT_EQ(recorder_.events.back(), "corrupted " + kFonts + " somewhere");
}

TEST_F(CorruptionTest, AllEventsOfAFloodThatWereLostAreAskedForOnce) {
    mountFonts();
    for (int i = 0; i < 5; ++i) {
        kernel_.loseCorruptionEvents();
        static_cast<void>(waitUntil([] { return false; }, std::chrono::milliseconds{1}));
    }
    ASSERT_TRUE(waitForKernel("isCorrupted", 2));
    linger();
    EXPECT_EQ(callsOf("isCorrupted"), 2);
}

TEST_F(CorruptionTest, EventsThatAreLostAgainAreAskedForAgain) {
    mountFonts();
    kernel_.loseCorruptionEvents();
    ASSERT_TRUE(waitForKernel("isCorrupted", 2));
    kernel_.loseCorruptionEvents();
    EXPECT_TRUE(waitForKernel("isCorrupted", 3));
}

TEST_F(CorruptionTest, IsAskedForAgainAfterAnUnmountThatFailed) {
    mountFonts();
    FakeKernel::Gate gate{kernel_, "unmount"};
    kernel_.failNext("unmount", Error{Code::Failed, "ordered"});
    const auto down = unmount(root_, "fonts");
    ASSERT_TRUE(waitForKernel("unmount"));
    kernel_.corruptUnseen(mounted_.mountPoint);
    kernel_.loseCorruptionEvents();
    static_cast<void>(waitUntil([] { return false; }, std::chrono::milliseconds{800}));  // the look leaves it out
    EXPECT_EQ(reports(), 0);
    gate.open();
    expectFailure(Code::Failed, "ordered", down);
    EXPECT_TRUE(waitForReports());
}

TEST_F(CorruptionTest, ThatAnEventTellsOfIsNotAlsoFoundByAsking) {
    FakeKernel::Gate question{kernel_, "isCorrupted"};
    mounted_ = mountAsRoot("fonts");
    ASSERT_TRUE(waitForKernel("isCorrupted"));
    kernel_.corrupt(mounted_.mountPoint, 5);
    ASSERT_TRUE(waitForReports());
    question.open();  // the device says so, too
    linger();
    EXPECT_EQ(reports(), 1);
}

TEST_F(CorruptionTest, OfAnEarlierDeviceOfTheSameNumberIsNotOfThisMount) {
    const Corruption late = [this] {
        const Mounted earlier = mountAsRoot("fonts");
        const Corruption event = kernel_.corruptionOf(earlier.mountPoint, 3);
        answer(unmount(root_, "fonts"));
        return event;
    }();
    const Mounted mounted = mountAsRoot("hello-gzip");
    const Corruption own = kernel_.corruptionOf(mounted.mountPoint, 4);
    ASSERT_EQ(own.device, late.device);
    kernel_.tell(late);
    kernel_.tell(own);
    ASSERT_TRUE(waitForReports());
    EXPECT_EQ(recorder_.events.back(), "corrupted hello-gzip:1.0.0 4");
    EXPECT_EQ(reports(), 1);
}

}  // namespace
}  // namespace northstar::test
