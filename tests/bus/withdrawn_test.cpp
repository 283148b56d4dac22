// SPDX-License-Identifier: Apache-2.0
// Questions about a mount that goes while polkit is asked are withdrawn: their calls end, and so does its object.
#include "bus_test.h"

namespace northstar::test {
namespace {

using Policy = FakePolkit::Policy;

class WithdrawnTest : public BusTest {
protected:
    // Root's mount of "fonts"; whoever calls from now on is a stranger, about whom polkit says nothing.
    Mounted mountAndHang() {
        const Mounted mounted = client().mount("fonts");
        callAs(1000);
        polkit_->answer(Policy::Hang);
        return mounted;
    }
    void unmountAsRoot() {
        callAs(0);
        client().unmount("fonts");
    }
    bool isListed(const Mounted& mounted) {
        return client().managedObjects().contains(sdbus::ObjectPath{mounted.object});
    }
    std::string answer(Client& caller, const Pending& pending) {
        return caller.waitUntil([&] { return pending->has_value(); }) ? (*pending)->name : "no answer";
    }
};

TEST_F(WithdrawnTest, UnmountOfTheObjectEndsWithTheMount) {
    const Mounted mounted = mountAndHang();
    const auto stranger = newClient();
    const Pending unmount = stranger->begin<>(mounted.object, kMountInterface, "Unmount", Options{});
    stranger->waitUntil([] { return true; });
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    ASSERT_TRUE(isListed(mounted));
    unmountAsRoot();
    EXPECT_FALSE(isListed(mounted));
    EXPECT_EQ(answer(*stranger, unmount), ownError("NotMounted"));
    ASSERT_TRUE(polkit_->waitForCancellations(1));
    EXPECT_EQ(polkit_->cancelled()[0], polkit_->asked()[0].cancellation);
    EXPECT_TRUE(nothingLeft());
}

TEST_F(WithdrawnTest, OpenEndsWithAMountThatSomebodyElseTakesDown) {
    const Mounted mounted = mountAndHang();
    const auto stranger = newClient();
    const Pending open = stranger->begin<sdbus::UnixFd>(mounted.object, kMountInterface, "Open", Options{});
    stranger->waitUntil([] { return true; });
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    kernel_->unmountExternally(mounted.mountPoint);
    ASSERT_TRUE(client().waitForSignal("Unmounted"));
    EXPECT_FALSE(isListed(mounted));
    EXPECT_EQ(answer(*stranger, open), ownError("NotMounted"));
    EXPECT_TRUE(polkit_->waitForCancellations(1));
}

TEST_F(WithdrawnTest, UnmountByNameDoesNotWaitForAnotherMountOfThatName) {
    mountAndHang();
    const auto stranger = newClient();
    const Pending unmount = stranger->begin<>(kRoot, kService, "Unmount", std::string{"fonts"}, Options{});
    stranger->waitUntil([] { return true; });
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    unmountAsRoot();
    EXPECT_EQ(answer(*stranger, unmount), ownError("NotMounted"));
    client().mount("fonts");
    polkit_->release(true);  // too late
    EXPECT_EQ(client().listMounts().size(), 1U);
    EXPECT_EQ(polkit_->asked().size(), 1U);
}

TEST_F(WithdrawnTest, UnmountManyGoesOnWithTheNext) {
    client().mount("hello-gzip");
    mountAndHang();
    const std::vector<std::string> what{"fonts", "hello-gzip"};
    auto results = std::async(std::launch::async, [&] {
        return std::get<0>(
            newClient()->call<std::vector<UnmountResult>>(kRoot, kService, "UnmountMany", what, Options{}));
    });
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    unmountAsRoot();
    ASSERT_TRUE(polkit_->waitForQuestions(2));
    ASSERT_TRUE(polkit_->waitForCancellations(1));
    polkit_->release(true);
    const auto items = results.get();
    EXPECT_EQ(items.at(0).get<2>(), ownError("NotMounted"));
    EXPECT_TRUE(items.at(1).get<1>()) << items.at(1).get<3>();
    EXPECT_TRUE(nothingLeft());
}

TEST_F(WithdrawnTest, QuestionsAboutOtherMountsStay) {
    client().mount("hello-gzip");
    mountAndHang();
    const auto stranger = newClient();
    const Pending unmount = stranger->begin<>(kRoot, kService, "Unmount", std::string{"hello-gzip"}, Options{});
    stranger->waitUntil([] { return true; });
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    unmountAsRoot();
    polkit_->release(true);
    EXPECT_EQ(answer(*stranger, unmount), "");
    EXPECT_TRUE(polkit_->cancelled().empty());
    EXPECT_TRUE(nothingLeft());
}

}  // namespace
}  // namespace northstar::test
