// SPDX-License-Identifier: Apache-2.0
// mount_on_start: all at once, each for itself, and never in the way of the start.
#include <algorithm>

#include "bus_test.h"

namespace northstar::test {
namespace {

class StartMountTest : public BusTest {
protected:
    StartMountTest() {
        for (const char* package : {"fonts-2.3.4", "hello-gzip-1.0.0", "hello-xz-1.0.0", "hello-zstd-1.0.0"}) {
            addPackage("other", std::string{"signed/"} + package + ".npk");
        }
        configureOnly("", "[repositories.other]\nmount_on_start = true\ndir = \"" + directory_ / "other" +
                              "\"\nkeys = [\"" + dataPath("keys/golden.pub") + "\"]\n");
    }
    bool waitForMounts(std::size_t count) {
        return client().waitUntil([&] { return client().listMounts().size() == count; });
    }
};

TEST_F(StartMountTest, TheMountsOverlapAndTheServiceAnswersMeanwhile) {
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    start();
    EXPECT_TRUE(gate.waitFor(4));  // as many as there are workers
    EXPECT_EQ(client().listContainers().size(), 4U);
    EXPECT_TRUE(client().listMounts().empty());
    gate.open();
    EXPECT_TRUE(waitForMounts(4));
}

TEST_F(StartMountTest, OneThatFailsSpoilsNoOther) {
    kernel_->failNext("openVerity", Error{Code::DeviceUnavailable, "none"});
    start();
    EXPECT_TRUE(waitForMounts(3));
    client().mountFile(dataPath("signed/hello-none-1.0.0.npk"));
    EXPECT_TRUE(waitForMounts(4));
    EXPECT_EQ(stateFiles().size(), 4U);
}

TEST_F(StartMountTest, ADamagedPackageSpoilsNoOther) {
    directory_.write("other/bad.npk", "no package");
    start();
    EXPECT_TRUE(waitForMounts(4));
}

TEST_F(StartMountTest, WhatIsMountedAlreadyIsNotMountedAgain) {
    start();
    ASSERT_TRUE(waitForMounts(4));
    stop();
    start();
    EXPECT_TRUE(waitForMounts(4));
    EXPECT_EQ(std::ranges::count(kernel_->calls(), "attachLoop"), 4);
}

TEST_F(StartMountTest, StoppingWhileTheMountsAreMadeEndsCleanly) {
    auto gate = std::make_unique<FakeKernel::Gate>(*kernel_, "attachLoop");
    start();
    ASSERT_TRUE(gate->waitFor(4));
    daemon_->stop();
    gate->open();
    EXPECT_EQ(daemon_->result(), "0");
}

}  // namespace
}  // namespace northstar::test
