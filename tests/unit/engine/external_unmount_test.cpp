// SPDX-License-Identifier: Apache-2.0
// Mounts that somebody else takes down: seen, told of once, and tidied up.
#include "engine_test.h"

namespace northstar::test {
namespace {

const std::string kFonts = "fonts:2.3.4";

class ExternalUnmountTest : public EngineTest {
protected:
    [[nodiscard]] bool waitUntilGone() {
        return waitUntil([this] { return registry().mounts().empty(); });
    }
};

TEST_F(ExternalUnmountTest, IsToldOfOnce) {
    kernel_.unmountExternally(mountAsRoot("fonts").mountPoint);
    ASSERT_TRUE(waitUntilGone());
    linger();
    EXPECT_EQ(recorder_.events, (Texts{"mounted " + kFonts, "unmounted " + kFonts + " external"}));
}

TEST_F(ExternalUnmountTest, IsToldOfWhenTheRegistryShowsItNoMore) {
    const Mounted mounted = mountAsRoot("fonts");
    bool shown = true;
    recorder_.onEvent = [&] { shown = registry().find(mounted.id) != nullptr; };
    kernel_.unmountExternally(mounted.mountPoint);
    ASSERT_TRUE(waitUntilGone());
    EXPECT_FALSE(shown);
}

TEST_F(ExternalUnmountTest, LeavesNothing) {
    kernel_.unmountExternally(mountAsRoot("fonts").mountPoint);
    ASSERT_TRUE(waitUntilGone());
    EXPECT_TRUE(nothingLeft());
}

TEST_F(ExternalUnmountTest, OfOneMountLeavesTheOthers) {
    const Mounted kept = mountAsRoot("hello-gzip");
    kernel_.unmountExternally(mountAsRoot("fonts").mountPoint);
    ASSERT_TRUE(waitUntil([this] { return registry().mounts().size() == 1; }));
    EXPECT_NE(registry().find(kept.id), nullptr);
}

TEST_F(ExternalUnmountTest, OfManyAtOnceIsSeenInFewLooks) {
    for (const char* name : {"fonts", "hello-gzip", "hello-xz", "multi"}) mountAsRoot(name);
    linger();
    const auto before = callsOf("mountsOn");
    for (const char* name : {"fonts:2.3.4", "hello-gzip:1.0.0", "hello-xz:1.0.0", "multi:1.2.0"}) {
        kernel_.unmountExternally(runDir() + "/" + name);
    }
    ASSERT_TRUE(waitUntilGone());
    EXPECT_LE(callsOf("mountsOn") - before, 2);
}

TEST_F(ExternalUnmountTest, DuringALookIsSeen) {
    const Mounted mounted = mountAsRoot("fonts");
    FakeKernel::Gate gate{kernel_, "mountsOn"};
    ASSERT_TRUE(waitForKernel("mountsOn"));
    kernel_.unmountExternally(mounted.mountPoint);
    gate.open();
    EXPECT_TRUE(waitUntilGone());
}

TEST_F(ExternalUnmountTest, IsTidiedUpBeforeTheNextMountThere) {
    const Mounted mounted = mountAsRoot("fonts");
    FakeKernel::Gate gate{kernel_, "removeMountPoint"};
    kernel_.unmountExternally(mounted.mountPoint);
    ASSERT_TRUE(waitForKernel("removeMountPoint"));
    const auto next = mount(root_, "fonts");
    linger();
    EXPECT_EQ(callsOf("attachLoop"), 1);
    gate.open();
    EXPECT_NO_THROW(answer(next));
    EXPECT_EQ(kernel_.live().size(), 4U);
    EXPECT_EQ(stateFiles(), Texts{"2.toml"});
}

TEST_F(ExternalUnmountTest, ThatNoLookHasSeenYetIsInTheWayOfNoMount) {
    const Mounted mounted = mountAsRoot("fonts");
    linger();  // the look after the mount is over
    for (int i = 0; i < 5; ++i) {
        kernel_.unmountExternally(runDir() + "/" + kFonts);
        EXPECT_EQ(answer(mount(root_, "fonts")).mountPoint, mounted.mountPoint);
    }
    EXPECT_EQ(recorder_.count("unmounted " + kFonts + " external"), 5);
    EXPECT_EQ(stateFiles(), Texts{"6.toml"});
    kernel_.unmountExternally(mounted.mountPoint);
    ASSERT_TRUE(waitUntilGone());
    EXPECT_TRUE(nothingLeft());  // nor the directory
}

TEST_F(ExternalUnmountTest, ThatNoLookHasSeenYetIsInTheWayOfNoUninstall) {
    linger();
    kernel_.unmountExternally(mountAsRoot("fonts").mountPoint);
    EXPECT_NO_THROW(answer(begin(methods().repositories.uninstall(
        root_.calls("Uninstall", "org.northstar.Mounter.Repository"), "main", kFonts))));
    EXPECT_TRUE(waitUntil([this] { return static_cast<bool>(nothingLeft()); }));
}

TEST_F(ExternalUnmountTest, IsSeenThoughALookFails) {
    const Mounted mounted = mountAsRoot("fonts");
    linger();
    kernel_.failNext("mountsOn", Error{Code::Failed, "no descriptor"});
    kernel_.unmountExternally(mounted.mountPoint);
    EXPECT_TRUE(waitUntilGone());
    EXPECT_TRUE(nothingLeft());
}

TEST_F(ExternalUnmountTest, OfAMovedMountIsNone) {
    const Mounted mounted = mountAsRoot("fonts");
    linger();
    kernel_.moveMount(mounted.mountPoint, "/srv/elsewhere");
    ASSERT_TRUE(waitUntil([&] { return recorder_.count("moved " + kFonts + " /srv/elsewhere") == 1; }));
    EXPECT_EQ(registry().findByMountPoint(mounted.mountPoint), nullptr);
    const MountRecord* there = registry().findByMountPoint("/srv/elsewhere");
    ASSERT_NE(there, nullptr);
    EXPECT_EQ(there->id, mounted.id);
    answer(unmount(root_, "/srv/elsewhere"));
    EXPECT_TRUE(nothingLeft());  // nor the directory that was made for it
}

TEST_F(ExternalUnmountTest, AMoveThatNothingTellsOfIsInTheWayOfNoMount) {
    const Mounted first = mountAsRoot("fonts");
    linger();
    kernel_.renameAbove(first.mountPoint, "/srv/renamed/fonts:2.3.4");
    const Mounted second = answer(mount(root_, "fonts"));
    EXPECT_EQ(second.mountPoint, first.mountPoint);
    EXPECT_EQ(registry().find(first.id)->mountPoint, "/srv/renamed/fonts:2.3.4");
    for (const Mounted& mounted : {first, second})
        answer(unmount(root_, std::string{kObjects} + std::to_string(mounted.id)));
    EXPECT_TRUE(nothingLeft());
}

// The mount table is looked at before the unmount has ended, and must not be believed.
TEST_F(ExternalUnmountTest, IsNotWhatAnUnmountOfOursLooksLike) {
    mountAsRoot("fonts");
    mountAsRoot("hello-gzip");
    FakeKernel::Gate gate{kernel_, "awaitRelease"};
    const auto call = unmount(root_, "fonts");
    ASSERT_TRUE(waitForKernel("awaitRelease"));  // it is gone from the table
    kernel_.unmountExternally(runDir() + "/hello-gzip:1.0.0");
    ASSERT_TRUE(waitUntil([&] { return recorder_.count("unmounted hello-gzip:1.0.0 external") == 1; }));
    gate.open();
    answer(call);
    EXPECT_EQ(recorder_.count("unmounted " + kFonts + " request"), 1);
    EXPECT_EQ(recorder_.count("unmounted " + kFonts + " external"), 0);
}

TEST_F(ExternalUnmountTest, DuringAnUnmountOfOursIsFoundAndToldOfOnce) {
    const Mounted mounted = mountAsRoot("fonts");
    linger();
    FakeKernel::Gate gate{kernel_, "unmount"};
    const auto call = unmount(root_, "fonts");
    ASSERT_TRUE(waitForKernel("unmount"));
    kernel_.unmountExternally(mounted.mountPoint);
    linger();  // a look leaves it out
    gate.open();
    expectFailure(Code::NotMounted, "not mounted", call);
    ASSERT_TRUE(waitUntilGone());
    linger();
    EXPECT_EQ(recorder_.events,
              (Texts{"mounted " + kFonts, "unmount failed " + kFonts, "unmounted " + kFonts + " external"}));
}

TEST_F(ExternalUnmountTest, IsSeenByTheNextLookIfOneFails) {
    const Mounted mounted = mountAsRoot("fonts");
    ASSERT_TRUE(waitForKernel("mountsOn"));
    ASSERT_TRUE(waitUntil([this] { return scope_.empty(); }));
    const auto before = callsOf("mountsOn");
    kernel_.failNext("mountsOn", Error{Code::Failed, "ordered"});
    kernel_.unmountExternally(mounted.mountPoint);
    ASSERT_TRUE(waitForKernel("mountsOn", before + 1));
    mountAsRoot("hello-gzip");  // the table changes again
    EXPECT_TRUE(waitUntil([&] { return registry().find(mounted.id) == nullptr; }));
}

}  // namespace
}  // namespace northstar::test
