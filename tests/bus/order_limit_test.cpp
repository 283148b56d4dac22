// SPDX-License-Identifier: Apache-2.0
// What one caller may make the order of calls keep and look up.
#include "bus_test.h"

namespace northstar::test {
namespace {

class OrderLimitTest : public BusTest {
protected:
    static Pending beginUnmountMany(Client& client, const std::vector<std::string>& what) {
        return client.begin<std::vector<UnmountResult>>(kRoot, kService, "UnmountMany", what, Options{});
    }
};

TEST_F(OrderLimitTest, NamesThatNoContainerCanHaveDoNotWaitForAnything) {
    const auto file = openPackageFile("signed/fonts-2.3.4.npk");
    client();
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    const auto mount = client().begin<sdbus::ObjectPath, std::string>(kRoot, kService, "MountFd",
                                                                      sdbus::UnixFd{file.get()}, Options{});
    client().waitUntil([] { return true; });
    ASSERT_TRUE(gate.waitFor(1));
    const auto unmount = client().begin<>(kRoot, kService, "Unmount", std::string{"?1"}, Options{});
    EXPECT_TRUE(client().waitUntil([&] { return unmount->has_value(); }));
    EXPECT_EQ(unmount->value_or(Failure{}).name, ownError("NotMounted"));
    gate.open();
    EXPECT_TRUE(client().waitUntil([&] { return mount->has_value(); }));
}

TEST_F(OrderLimitTest, ArgumentsThatAreTooLongAreRefused) {
    const std::string name(256 * 1024 + 1, 'a');
    EXPECT_EQ(failureOf([&] { client().mount(name); }).name, busError("InvalidArgs"));
    EXPECT_EQ(failureOf([&] { client().unmount(name); }).name, busError("InvalidArgs"));
    EXPECT_EQ(failureOf([&] { client().inspect(name); }).name, busError("InvalidArgs"));
    EXPECT_EQ(failureOf([&] { client().uninstall("main", name); }).name, busError("InvalidArgs"));
    EXPECT_EQ(failureOf([&] { client().mountFile("/" + name); }).name, busError("InvalidArgs"));
    EXPECT_EQ(failureOf([&] { client().mount("fonts", {{"repository", sdbus::Variant{name}}}); }).name,
              busError("InvalidArgs"));
    const auto refusal = [&](std::size_t items, std::size_t length) {
        const std::vector<std::string> what(items, std::string(length, 'a'));
        const auto pending = beginUnmountMany(client(), what);
        EXPECT_TRUE(client().waitUntil([&] { return pending->has_value(); }));
        return pending->value_or(Failure{"no answer", ""}).name;
    };
    EXPECT_EQ(refusal(65, 4096), busError("LimitsExceeded"));
    EXPECT_EQ(refusal(4097, 1), busError("LimitsExceeded"));
    EXPECT_EQ(refusal(64, 4096), "");
    EXPECT_EQ(refusal(4096, 64), "");
}

// They wait for one mount; a call on all versions of "a" concerns each of them.
TEST_F(OrderLimitTest, ACallThatConcernsVeryManyWaitingOnesWaitsAndKeepsNobodyElseWaiting) {
    constexpr int kCalls = 4, kItems = 4096;
    client();
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    std::vector<Pending> waiting{
        client().begin<sdbus::ObjectPath, std::string>(kRoot, kService, "Mount", std::string{"fonts"}, Options{})};
    for (int call = 0; call < kCalls; ++call) {
        std::vector<std::string> what{"fonts"};
        while (what.size() < kItems) what.push_back("a:" + std::to_string(call) + ".0." + std::to_string(what.size()));
        waiting.push_back(beginUnmountMany(client(), what));
    }
    const auto unmount = client().begin<>(kRoot, kService, "Unmount", std::string{"a"}, Options{});
    const auto other = newClient();
    EXPECT_TRUE(other->listMounts().empty());
    EXPECT_EQ(failureOf([&] { other->unmount("hello"); }).name, ownError("NotMounted"));
    EXPECT_FALSE(client().waitUntil([&] { return unmount->has_value(); }, std::chrono::milliseconds{50}));
    gate.open();
    EXPECT_TRUE(client().waitUntil([&] { return unmount->has_value(); }));
    EXPECT_EQ(unmount->value_or(Failure{}).name, ownError("NotMounted"));
    for (const auto& call : waiting) {
        ASSERT_TRUE(client().waitUntil([&] { return call->has_value(); }));
        EXPECT_EQ((*call)->name, "");
    }
}

}  // namespace
}  // namespace northstar::test
