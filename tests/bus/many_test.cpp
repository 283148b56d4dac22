// SPDX-License-Identifier: Apache-2.0
// MountMany and UnmountMany.
#include "bus_test.h"

namespace northstar::test {
namespace {

std::vector<MountResult> mountMany(Client& client, const std::vector<std::string>& what, const Options& options = {}) {
    return std::get<0>(client.call<std::vector<MountResult>>(kRoot, kService, "MountMany", what, options));
}

std::vector<UnmountResult> unmountMany(Client& client, const std::vector<std::string>& what,
                                       const Options& options = {}) {
    return std::get<0>(client.call<std::vector<UnmountResult>>(kRoot, kService, "UnmountMany", what, options));
}

TEST_F(BusTest, MountManyAnswersInTheOrderAskedWithSuccessAndFailure) {
    const auto results = mountMany(client(), {"hello-gzip", "nothing", "fonts", "hello-gzip:1.0.0"});
    ASSERT_EQ(results.size(), 4U);
    EXPECT_EQ(results[0].get<0>(), "hello-gzip");
    EXPECT_TRUE(results[0].get<1>());
    EXPECT_EQ(results[0].get<3>(), runDir() + "/hello-gzip:1.0.0");
    EXPECT_EQ(results[1].get<0>(), "nothing");
    EXPECT_FALSE(results[1].get<1>());
    EXPECT_EQ(std::string{results[1].get<2>()}, "/");
    EXPECT_EQ(results[1].get<3>(), ownError("NoSuchContainer"));
    EXPECT_FALSE(results[1].get<4>().empty());
    EXPECT_TRUE(results[2].get<1>());
    EXPECT_FALSE(results[3].get<1>());  // the same one again
    EXPECT_EQ(results[3].get<3>(), ownError("AlreadyMounted"));
    EXPECT_EQ(client().listMounts().size(), 2U);
}

TEST_F(BusTest, MountManyMountsInParallel) {
    client();
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    auto results = std::async(std::launch::async, [&] {
        const auto other = newClient();
        return mountMany(*other, {"hello-gzip", "hello-xz", "fonts"});
    });
    EXPECT_TRUE(gate.waitFor(3));
    gate.open();
    for (const auto& result : results.get()) EXPECT_TRUE(result.get<1>()) << result.get<4>();
}

TEST_F(BusTest, MountManyOfNothingIsNothing) { EXPECT_TRUE(mountMany(client(), {}).empty()); }

TEST_F(BusTest, MountManyRefusesATargetForSeveral) {
    const auto failure = failureOf(
        [&] { mountMany(client(), {"hello-gzip", "fonts"}, {{"target", sdbus::Variant{std::string{"/srv/app"}}}}); });
    EXPECT_EQ(failure.name, busError("InvalidArgs"));
    EXPECT_TRUE(kernel_->live().empty());
}

TEST_F(BusTest, MountManySaysWhichOfThemWasDenied) {
    callAs(1000);
    polkit_->answer("org.northstar.mounter.mount-unverified", FakePolkit::Policy::No);
    const auto results = mountMany(client(), {"hello-unsigned", "fonts"});
    ASSERT_EQ(results.size(), 2U);
    EXPECT_EQ(results[0].get<3>(), busError("AccessDenied"));
    EXPECT_TRUE(results[1].get<1>());
}

TEST_F(BusTest, UnmountManyAnswersInTheOrderAsked) {
    mountMany(client(), {"hello-gzip", "fonts"});
    const auto results = unmountMany(client(), {"fonts", "nothing", runDir() + "/hello-gzip:1.0.0"});
    ASSERT_EQ(results.size(), 3U);
    EXPECT_TRUE(results[0].get<1>());
    EXPECT_FALSE(results[1].get<1>());
    EXPECT_EQ(results[1].get<0>(), "nothing");
    EXPECT_EQ(results[1].get<2>(), ownError("NotMounted"));
    EXPECT_FALSE(results[1].get<3>().empty());
    EXPECT_TRUE(results[2].get<1>());
    EXPECT_TRUE(nothingLeft());
}

TEST_F(BusTest, UnmountManyOfOneMountTwiceUnmountsItOnce) {
    client().mount("fonts");
    const auto results = unmountMany(client(), {"fonts", "fonts:2.3.4"});
    ASSERT_EQ(results.size(), 2U);
    EXPECT_NE(results[0].get<1>(), results[1].get<1>());
    EXPECT_TRUE(nothingLeft());
}

}  // namespace
}  // namespace northstar::test
