// SPDX-License-Identifier: Apache-2.0
// Several calls at once: in parallel for different containers, in order for one, and never more than a caller may have.
#include <algorithm>

#include "bus_test.h"

namespace northstar::test {
namespace {

class ParallelTest : public BusTest {
protected:
    std::future<std::string> mountInBackground(const std::string& what, const Options& options = {}) {
        return std::async(std::launch::async, [this, what, options] {
            const auto other = newClient();
            return failureOf([&] { other->mount(what, options); }).name;
        });
    }
};

TEST_F(ParallelTest, DifferentContainersAreMountedAtTheSameTime) {
    client();
    FakeKernel::Gate gate{*kernel_, "openVerity"};
    auto first = mountInBackground("fonts");
    auto second = mountInBackground("hello-gzip");
    EXPECT_TRUE(gate.waitFor(2));
    gate.open();
    EXPECT_EQ(first.get(), "");
    EXPECT_EQ(second.get(), "");
}

TEST_F(ParallelTest, TheBusIsServedWhileTheKernelIsSlow) {
    client();
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    auto slow = mountInBackground("fonts");
    ASSERT_TRUE(gate.waitFor(1));
    EXPECT_EQ(client().listContainers().size(), 11U);
    EXPECT_TRUE(client().listMounts().empty());  // not before it is there
    gate.open();
    EXPECT_EQ(slow.get(), "");
    EXPECT_EQ(client().listMounts().size(), 1U);
}

TEST_F(ParallelTest, CallsOnOneContainerRunOneAfterTheOther) {
    client();
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    auto first = mountInBackground("fonts");
    ASSERT_TRUE(gate.waitFor(1));
    auto second = mountInBackground("fonts", {{"target", sdbus::Variant{std::string{"/srv/two"}}}});
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    EXPECT_EQ(std::ranges::count(kernel_->calls(), "attachLoop"), 1);
    gate.open();
    EXPECT_EQ(first.get(), "");
    EXPECT_EQ(second.get(), "");
    EXPECT_EQ(client().listMounts().size(), 2U);
}

TEST_F(ParallelTest, TwoCallsForOneMountPointGiveOneMount) {
    client();
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    auto first = mountInBackground("fonts");
    ASSERT_TRUE(gate.waitFor(1));
    auto second = mountInBackground("fonts");
    gate.open();
    EXPECT_EQ(first.get(), "");
    EXPECT_EQ(second.get(), ownError("AlreadyMounted"));
    EXPECT_EQ(client().listMounts().size(), 1U);
}

TEST_F(ParallelTest, AMountGoesOnWhenItsCallerLeaves) {
    client();
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    auto leaving = newClient();
    leaving->send(kRoot, kService, "Mount", std::string{"fonts"}, Options{});
    ASSERT_TRUE(gate.waitFor(1));
    leaving.reset();
    gate.open();
    ASSERT_TRUE(client().waitForSignal("Mounted"));
    client().unmount("fonts");
    EXPECT_TRUE(nothingLeft());
}

TEST_F(ParallelTest, ACallerMayNotHaveMoreCallsWaitingThanTheLimit) {
    configure("limits = { pending_calls_per_client = 2 }");
    client();
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    auto greedy = newClient();
    greedy->send(kRoot, kService, "Mount", std::string{"fonts"}, Options{});
    greedy->send(kRoot, kService, "Mount", std::string{"hello-gzip"}, Options{});
    ASSERT_TRUE(gate.waitFor(2));
    EXPECT_EQ(failureOf([&] { greedy->mount("hello-xz"); }).name, busError("LimitsExceeded"));
    auto modest = mountInBackground("hello-xz");  // others have a limit of their own
    EXPECT_TRUE(gate.waitFor(3));
    gate.open();
    EXPECT_EQ(modest.get(), "");
    ASSERT_TRUE(client().waitForSignal("Mounted", 2));
    EXPECT_EQ(failureOf([&] { greedy->mount("hello-zstd"); }).name, "");
}

TEST_F(ParallelTest, AUserMayNotHaveMoreCallsWaitingThanFourClientsOfItHowManyItConnects) {
    configure("limits = { pending_calls_per_client = 1 }");
    callAs(1000);
    client();
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    std::vector<std::future<std::string>> waiting;
    for (const char* name : {"fonts", "hello-gzip", "hello-xz", "hello-zstd"})
        waiting.push_back(mountInBackground(name));
    ASSERT_TRUE(gate.waitFor(4));
    const auto failure = failureOf([&] { newClient()->mount("hello-none"); });
    EXPECT_EQ(failure.name, busError("LimitsExceeded"));
    EXPECT_NE(failure.message.find("User 1000 has 4 calls"), std::string::npos) << failure.message;
    callAs(1001);
    EXPECT_EQ(failureOf([&] { client().listMounts(); }).name, "");
    gate.open();
    for (auto& one : waiting) EXPECT_EQ(one.get(), "");
    callAs(1000);
    EXPECT_EQ(failureOf([&] { newClient()->mount("hello-none"); }).name, "");
}

TEST_F(ParallelTest, RootMayHaveManyClients) {
    configure("limits = { pending_calls_per_client = 1 }");
    client();
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    std::vector<std::future<std::string>> waiting;
    for (const char* name : {"fonts", "hello-gzip", "hello-xz", "hello-zstd"})
        waiting.push_back(mountInBackground(name));
    ASSERT_TRUE(gate.waitFor(4));
    EXPECT_EQ(failureOf([&] { client().listMounts(); }).name, "");
    gate.open();
    for (auto& one : waiting) EXPECT_EQ(one.get(), "");
}

TEST_F(ParallelTest, StoppingWaitsForTheMountThatHasBegunAndAnswersIt) {
    client();
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    auto begun = mountInBackground("fonts");
    ASSERT_TRUE(gate.waitFor(1));
    daemon_->stop();
    gate.open();
    EXPECT_EQ(begun.get(), "");
    EXPECT_EQ(daemon_->result(), "0");
    EXPECT_EQ(kernel_->live().size(), 4U);  // mounts stay
}

TEST_F(ParallelTest, WhileItStopsNoCallIsTaken) {
    client();
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    auto begun = mountInBackground("fonts");
    ASSERT_TRUE(gate.waitFor(1));
    daemon_->stop();
    Failure refused;  // what comes before it begins to stop is answered
    for (int tries = 0; tries < 100 && refused.name.empty(); ++tries) {
        refused = failureOf([&] { client().listMounts(); });
    }
    EXPECT_EQ(refused.name, ownError("Failed"));
    EXPECT_NE(refused.message.find("stopping"), std::string::npos) << refused.message;
    gate.open();
    EXPECT_EQ(begun.get(), "");
}

TEST_F(ParallelTest, ManyClientsMountingAndUnmountingLeaveNothing) {
    client();
    std::vector<std::future<void>> all;
    for (const char* name : {"fonts", "hello-gzip", "hello-xz", "hello-zstd", "hello-none", "multi"}) {
        all.push_back(std::async(std::launch::async, [this, name] {
            const auto own = newClient();
            for (int i = 0; i < 10; ++i) {
                const auto mounted = own->mount(name);
                own->unmount(mounted.object);
            }
        }));
    }
    for (auto& one : all) EXPECT_NO_THROW(one.get());
    EXPECT_TRUE(nothingLeft());
}

}  // namespace
}  // namespace northstar::test
