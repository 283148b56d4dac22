// SPDX-License-Identifier: Apache-2.0
// What a client sends without waiting for the answers is done in the order sent, container by container.
#include <algorithm>

#include "bus_test.h"

namespace northstar::test {
namespace {

using Policy = FakePolkit::Policy;
const std::string kPrefix = "org.northstar.mounter.";

class OrderTest : public BusTest {
protected:
    // Without waiting for the answer.
    static Pending beginMount(Client& client, const std::string& what, const Options& options = {}) {
        return client.begin<sdbus::ObjectPath, std::string>(kRoot, kService, "Mount", what, options);
    }
    static Pending beginUnmount(Client& client, const std::string& what) {
        return client.begin<>(kRoot, kService, "Unmount", what, Options{});
    }
    // Error names of the answers, in the order of the calls.
    static std::vector<std::string> answers(Client& client, const std::vector<Pending>& calls) {
        std::vector<std::string> names;
        client.waitUntil([&] { return std::ranges::all_of(calls, [](const Pending& p) { return p->has_value(); }); });
        for (const auto& call : calls) names.push_back(call->has_value() ? (*call)->name : "no answer");
        return names;
    }
    const std::vector<std::string> fine_{"", ""};
};

TEST_F(OrderTest, UnmountThenMountGivesANewMount) {
    const auto first = client().mount("fonts");
    const std::vector<Pending> calls{beginUnmount(client(), "fonts"), beginMount(client(), "fonts")};
    EXPECT_EQ(answers(client(), calls), fine_);
    ASSERT_EQ(client().listMounts().size(), 1U);
    EXPECT_NE(std::string{client().listMounts()[0].get<0>()}, first.object);
}

TEST_F(OrderTest, TheObjectsUnmountThenMountGivesANewMount) {
    const auto first = client().mount("fonts");
    const std::vector<Pending> calls{client().begin<>(first.object, kMountInterface, "Unmount", Options{}),
                                     beginMount(client(), "fonts")};
    EXPECT_EQ(answers(client(), calls), fine_);
    EXPECT_EQ(client().listMounts().size(), 1U);
}

TEST_F(OrderTest, MountThenUnmountUnmountsHoweverItIsNamed) {
    client();
    for (const std::string& what : {std::string{"fonts"}, std::string{"fonts:2.3.4"}, runDir() + "/fonts:2.3.4"}) {
        const std::vector<Pending> calls{beginMount(client(), "fonts"), beginUnmount(client(), what)};
        EXPECT_EQ(answers(client(), calls), fine_) << what;
        EXPECT_TRUE(nothingLeft());
    }
    const std::vector<Pending> calls{beginMount(client(), "fonts", {{"target", sdbus::Variant{std::string{"/srv/f"}}}}),
                                     beginUnmount(client(), "/srv/f")};
    EXPECT_EQ(answers(client(), calls), fine_);
    EXPECT_TRUE(nothingLeft());
}

TEST_F(OrderTest, MountThenUnmountOfAUserThatPolkitIsAskedFor) {
    callAs(1000);
    client();
    const std::vector<Pending> calls{beginMount(client(), "fonts"), beginUnmount(client(), "fonts")};
    EXPECT_EQ(answers(client(), calls), fine_);
    EXPECT_TRUE(nothingLeft());
}

TEST_F(OrderTest, MountFdThenUnmountUnmounts) {
    const auto file = openPackageFile("signed/fonts-2.3.4.npk");
    client();
    const std::vector<Pending> calls{client().begin<sdbus::ObjectPath, std::string>(
                                         kRoot, kService, "MountFd", sdbus::UnixFd{file.get()}, Options{}),
                                     beginUnmount(client(), "fonts")};
    EXPECT_EQ(answers(client(), calls), fine_);
    EXPECT_TRUE(nothingLeft());
}

TEST_F(OrderTest, MountFdAndUnmountInTurnAreDoneAsSent) {
    const auto file = openPackageFile("signed/fonts-2.3.4.npk");
    client();
    const auto mountFd = [&] {
        return client().begin<sdbus::ObjectPath, std::string>(kRoot, kService, "MountFd", sdbus::UnixFd{file.get()},
                                                              Options{});
    };
    for (int round = 0; round < 3; ++round) {
        const std::vector<Pending> calls{mountFd(),
                                         beginUnmount(client(), "fonts"),
                                         mountFd(),
                                         beginUnmount(client(), "fonts"),
                                         beginMount(client(), "fonts"),
                                         beginUnmount(client(), "fonts"),
                                         mountFd(),
                                         beginUnmount(client(), "fonts")};
        EXPECT_EQ(answers(client(), calls), std::vector<std::string>(8));
        EXPECT_TRUE(nothingLeft());
    }
}

TEST_F(OrderTest, MountFdsGoInParallelAlsoBehindAnUnmount) {
    client().mount("fonts");
    const auto gzip = openPackageFile("signed/hello-gzip-1.0.0.npk"), xz = openPackageFile("signed/hello-xz-1.0.0.npk");
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    std::vector<Pending> calls{beginUnmount(client(), "fonts")};
    for (const int fd : {gzip.get(), xz.get()}) {
        calls.push_back(
            client().begin<sdbus::ObjectPath, std::string>(kRoot, kService, "MountFd", sdbus::UnixFd{fd}, Options{}));
    }
    client().waitUntil([&] { return calls[0]->has_value(); });
    EXPECT_TRUE(gate.waitFor(2));
    gate.open();
    EXPECT_EQ(answers(client(), calls), (std::vector<std::string>{"", "", ""}));
}

TEST_F(OrderTest, TheSecondOfTwoUnmountsFindsNothing) {
    client().mount("fonts");
    const std::vector<Pending> calls{beginUnmount(client(), "fonts"),
                                     beginUnmount(client(), runDir() + "/fonts:2.3.4")};
    EXPECT_EQ(answers(client(), calls), (std::vector<std::string>{"", ownError("NotMounted")}));
    EXPECT_TRUE(nothingLeft());
}

TEST_F(OrderTest, TheSecondOfTwoClientsUnmountsFindsNothing) {
    client().mount("fonts");
    FakeKernel::Gate gate{*kernel_, "unmount"};
    const auto other = newClient();
    const std::vector<Pending> first{beginUnmount(client(), "fonts")};
    client().waitUntil([] { return true; });
    ASSERT_TRUE(gate.waitFor(1));
    const std::vector<Pending> second{beginUnmount(*other, "fonts")};
    other->waitUntil([] { return false; }, std::chrono::milliseconds{50});
    gate.open();
    EXPECT_EQ(answers(client(), first), std::vector<std::string>{""});
    EXPECT_EQ(answers(*other, second), std::vector<std::string>{ownError("NotMounted")});
}

TEST_F(OrderTest, ManyCallsAreOrderedItemByItem) {
    const std::vector<std::string> names{"fonts", "hello-gzip", "fonts"};
    client();
    const std::vector<Pending> calls{
        client().begin<std::vector<MountResult>>(kRoot, kService, "MountMany", names, Options{}),
        client().begin<std::vector<UnmountResult>>(kRoot, kService, "UnmountMany", names, Options{}),
        beginMount(client(), "hello-gzip")};
    EXPECT_EQ(answers(client(), calls), (std::vector<std::string>{"", "", ""}));
    const auto list = client().listMounts();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0].get<1>(), "hello-gzip:1.0.0");
}

TEST_F(OrderTest, AContainerNamedTwiceInOneCallIsDoneOnce) {
    const std::vector<std::string> twice{"fonts", "fonts"};
    const auto mounted =
        std::get<0>(client().call<std::vector<MountResult>>(kRoot, kService, "MountMany", twice, Options{}));
    ASSERT_EQ(mounted.size(), 2U);
    EXPECT_TRUE(mounted[0].get<1>());
    EXPECT_EQ(mounted[1].get<3>(), ownError("AlreadyMounted"));
    const auto unmounted =
        std::get<0>(client().call<std::vector<UnmountResult>>(kRoot, kService, "UnmountMany", twice, Options{}));
    ASSERT_EQ(unmounted.size(), 2U);
    EXPECT_TRUE(unmounted[0].get<1>());
    EXPECT_EQ(unmounted[1].get<2>(), ownError("NotMounted"));
}

TEST_F(OrderTest, AQuestionToOneCallerKeepsNoOtherWaiting) {
    client();
    callAs(1000);
    polkit_->answer(Policy::Hang);
    auto asked = std::async(std::launch::async, [&] { return failureOf([&] { newClient()->mount("fonts"); }).name; });
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    callAs(0);
    client().mount("fonts");
    client().unmount("fonts");
    polkit_->release(true);
    EXPECT_EQ(asked.get(), "");
    EXPECT_EQ(client().listMounts().size(), 1U);
}

TEST_F(OrderTest, WhoMayNotUnmountStandsInNobodysWay) {
    client().mount("multi:1.2.0");
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    const auto slow = newClient(), stranger = newClient();
    const std::vector<Pending> mounting{beginMount(*slow, "multi:1.0.0")};
    slow->waitUntil([] { return true; });
    ASSERT_TRUE(gate.waitFor(1));
    callAs(1000);
    polkit_->answer(Policy::No);
    const std::vector<Pending> denied{beginUnmount(*stranger, "multi")};
    EXPECT_EQ(answers(*stranger, denied), std::vector<std::string>{busError("AccessDenied")});
    gate.open();
    EXPECT_EQ(answers(*slow, mounting), std::vector<std::string>{""});
}

TEST_F(OrderTest, WhoLeavesLetsTheOthersGoOn) {
    callAs(1000);
    polkit_->answer(Policy::Hang);
    client();
    auto leaving = newClient();
    leaving->send(kRoot, kService, "Mount", std::string{"fonts"}, Options{});
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    leaving->send(kRoot, kService, "Mount", std::string{"fonts"}, Options{});  // waits for the first one
    leaving->listMounts();
    EXPECT_EQ(polkit_->asked().size(), 1U);
    leaving.reset();
    ASSERT_TRUE(polkit_->waitForCancellations(1));
    callAs(0);
    EXPECT_EQ(failureOf([&] { client().mount("fonts"); }).name, "");
    EXPECT_EQ(client().listMounts().size(), 1U);
}

TEST_F(OrderTest, NobodyIsAskedForTheRestOfACallWhoseCallerLeft) {
    const std::vector<std::string> names{"fonts", "hello-gzip", "hello-xz"};
    for (const char* method : {"MountMany", "UnmountMany"}) {
        callAs(1000);
        polkit_->answer(Policy::Hang);
        client();
        auto leaving = newClient();
        const std::size_t before = polkit_->asked().size(), cancelled = polkit_->cancelled().size();
        leaving->send(kRoot, kService, method, names, Options{});
        ASSERT_TRUE(polkit_->waitForQuestions(before + 1)) << method;
        leaving.reset();
        ASSERT_TRUE(polkit_->waitForCancellations(cancelled + 1)) << method;
        const auto mounts = client().listMounts().size();  // the service has gone on, and polkit has what it sent
        client().listMounts();
        EXPECT_EQ(polkit_->asked().size(), before + 1) << method;
        EXPECT_EQ(client().listMounts().size(), mounts) << method;
        callAs(0);
        for (const auto& name : names) {
            if (mounts == 0) client().mount(name);
        }
    }
    EXPECT_EQ(client().listMounts().size(), names.size());
}

}  // namespace
}  // namespace northstar::test
