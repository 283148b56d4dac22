// SPDX-License-Identifier: Apache-2.0
// A repository on a filesystem that never answers: start, Reload and stop go on without it. While the service waits for
// it, only those wait who ask what repositories hold.
#include <chrono>
#include <thread>

#include "bus_test.h"
#include "support/dead_filesystem.h"

namespace northstar::test {
namespace {

using namespace std::chrono_literals;

class SilentRepositoryTest : public BusTest {
protected:
    SilentRepositoryTest() { configure("", "[repositories.other]\ndir = \"" + directory_ / "other" + "\"\n"); }
    void SetUp() override {
        BusTest::SetUp();
        if (!DeadFilesystem::isPossible()) GTEST_SKIP() << "needs root and /dev/fuse";
    }
    // On a thread whose mount namespace goes with it.
    void withDeadDirectory(const std::function<void()>& body) {
        std::thread{[&] {
            try {
                const DeadFilesystem dead{directory_ / "other"};
                body();
                stop();
            } catch (const std::exception& error) {
                ADD_FAILURE() << error.what();
                stop();
            }
        }}.join();
    }
    static auto now() { return std::chrono::steady_clock::now(); }
    static std::string repository(const std::string& name) { return std::string{kRoot} + "/repositories/" + name; }
};

TEST_F(SilentRepositoryTest, IsLeftOutAndOnlyWhoAsksForContainersWaits) {
    withDeadDirectory([&] {
        start();
        const auto begin = now();
        EXPECT_TRUE(client().listMounts().empty());
        EXPECT_LT(now() - begin, 3s);
        const Pending list = client().begin<>(kRoot, kService, "ListContainers");
        const Pending get = client().begin<>(repository("main"), kProperties, "Get", std::string{kRepositoryInterface},
                                             std::string{"Containers"});
        const Pending mount = client().begin<>(kRoot, kService, "Mount", std::string{"fonts"}, Options{});
        const Pending unmount = client().begin<>(kRoot, kService, "Unmount", std::string{"fonts"}, Options{});
        client().listMounts();
        for (const Pending& call : {list, get, mount, unmount}) EXPECT_FALSE(call->has_value());
        const auto main = client().managedObjects().at(sdbus::ObjectPath{repository("main")});
        EXPECT_EQ(main.at(kRepositoryInterface).at("Containers").get<std::vector<std::string>>().size(), 10U);
        const auto answered = [&] {
            return list->has_value() && get->has_value() && mount->has_value() && unmount->has_value();
        };
        ASSERT_TRUE(client().waitUntil(answered));
        for (const Pending& call : {list, get, mount, unmount}) EXPECT_EQ((*call)->name, "") << (*call)->message;
        EXPECT_EQ(client().listContainers().size(), 11U);
        EXPECT_TRUE(nothingLeft());
    });
}

TEST_F(SilentRepositoryTest, ReloadGoesOnWithoutItAndSaysSo) {
    EXPECT_EQ(client().listContainers().size(), 11U);
    stop();
    withDeadDirectory([&] {
        EXPECT_EQ(client().listContainers().size(), 11U);
        addPackage("plain", "signed/fonts-2.3.4.npk");
        const auto begin = now();
        const auto failure = failureOf([&] { client().reload(); });
        EXPECT_LT(now() - begin, 3s);  // it is known not to answer
        EXPECT_EQ(failure.name, ownError("Failed"));
        EXPECT_NE(failure.message.find("Repository other keeps"), std::string::npos) << failure.message;
        EXPECT_NE(failure.message.find("does not answer"), std::string::npos) << failure.message;
        EXPECT_EQ(client().listContainers().size(), 12U);
    });
    EXPECT_EQ(client().listContainers().size(), 12U);
}

TEST_F(SilentRepositoryTest, AStopDoesNotWaitForIt) {
    withDeadDirectory([&] {
        start();
        const Pending list = client().begin<>(kRoot, kService, "ListContainers");
        client().listMounts();
        const auto begin = now();
        daemon_->stop();
        EXPECT_EQ(daemon_->result(), "0");
        EXPECT_LT(now() - begin, 3s);
        ASSERT_TRUE(client().waitUntil([&] { return list->has_value(); }));
        EXPECT_NE((*list)->message.find("stopping"), std::string::npos) << (*list)->message;
    });
}

}  // namespace
}  // namespace northstar::test
