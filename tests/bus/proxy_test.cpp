// SPDX-License-Identifier: Apache-2.0
// A client in C++ with the proxies that sdbus-c++-xml2cpp makes of the installed description.
#include <condition_variable>
#include <deque>
#include <mutex>

#include "bus_test.h"
#include "mounter-proxy.h"

namespace northstar::test {
namespace {

class Mounter final : public sdbus::ProxyInterfaces<org::northstar::Mounter_proxy> {
public:
    explicit Mounter(sdbus::IConnection& bus)
        : ProxyInterfaces{bus, bus::ServiceName{kService}, sdbus::ObjectPath{kRoot}} {
        registerProxy();
    }
    ~Mounter() { unregisterProxy(); }

    // The next signal as words; empty if none comes.
    std::string next() {
        std::unique_lock lock{mutex_};
        if (!changed_.wait_for(lock, std::chrono::seconds{10}, [&] { return !signals_.empty(); })) return {};
        std::string first = signals_.front();
        signals_.pop_front();
        return first;
    }

private:
    void onMounted(const sdbus::ObjectPath& mount, const std::string& container, const std::string& point) override {
        add("Mounted " + mount + " " + container + " " + point);
    }
    void onUnmounted(const sdbus::ObjectPath& mount, const std::string& container, const std::string& point,
                     const std::string& reason) override {
        add("Unmounted " + mount + " " + container + " " + point + " " + reason);
    }
    void onCorruptionDetected(const sdbus::ObjectPath& mount, const std::string& container,
                              const std::uint64_t& block) override {
        add("CorruptionDetected " + mount + " " + container + " " + std::to_string(block));
    }
    void onInstalled(const std::string& container, const std::string& repository) override {
        add("Installed " + container + " " + repository);
    }
    void onUninstalled(const std::string& container, const std::string& repository) override {
        add("Uninstalled " + container + " " + repository);
    }
    void add(const std::string& text) {
        const std::lock_guard lock{mutex_};
        signals_.push_back(text);
        changed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::string> signals_;  // under mutex_
};

class MountObject final : public sdbus::ProxyInterfaces<org::northstar::Mounter::Mount_proxy> {
public:
    MountObject(sdbus::IConnection& bus, const sdbus::ObjectPath& path)
        : ProxyInterfaces{bus, bus::ServiceName{kService}, path} {
        registerProxy();
    }
    ~MountObject() { unregisterProxy(); }
};

class RepositoryObject final : public sdbus::ProxyInterfaces<org::northstar::Mounter::Repository_proxy> {
public:
    RepositoryObject(sdbus::IConnection& bus, const std::string& name)
        : ProxyInterfaces{bus, bus::ServiceName{kService},
                          sdbus::ObjectPath{std::string{kRoot} + "/repositories/" + name}} {
        registerProxy();
    }
    ~RepositoryObject() { unregisterProxy(); }

private:
    void onInstallProgress(const std::uint64_t& done, const std::uint64_t& total) override { EXPECT_LE(done, total); }
};

class ProxyTest : public BusTest {
protected:
    ProxyTest() {
        configure("", "[repositories.other]\ndir = \"" + directory_ / "other" + "\"\nkeys = [\"" +
                          dataPath("keys/golden.pub") + "\"]\n");
        start();
        connection_ = bus_.connect();
        connection_->enterEventLoopAsync();
        mounter_ = std::make_unique<Mounter>(*connection_);
        EXPECT_TRUE(mounter_->ListMounts().empty());  // the bus has the matches for the signals now
    }
    ~ProxyTest() override { mounter_.reset(); }

    std::unique_ptr<sdbus::IConnection> connection_;
    std::unique_ptr<Mounter> mounter_;
};

TEST_F(ProxyTest, MountsListsInspectsAndUnmounts) {
    const auto [path, point] = mounter_->Mount("fonts", {{"noexec", sdbus::Variant{true}}});
    EXPECT_EQ(point, runDir() + "/fonts:2.3.4");
    EXPECT_EQ(mounter_->next(), "Mounted " + path + " fonts:2.3.4 " + point);
    EXPECT_EQ(mounter_->MountCount(), 1U);
    EXPECT_EQ(mounter_->RunDirectory(), runDir());
    EXPECT_TRUE(mounter_->VerityAvailable());
    const auto mounts = mounter_->ListMounts();
    ASSERT_EQ(mounts.size(), 1U);
    EXPECT_EQ(std::get<1>(mounts.front()), "fonts:2.3.4");
    EXPECT_EQ(mounter_->ListContainers().size(), 11U);
    EXPECT_EQ(mounter_->Inspect("fonts").at("version").get<std::string>(), "2.3.4");
    EXPECT_TRUE(mounter_->Verify("fonts", {}));
    mounter_->Unmount("fonts", {});
    EXPECT_EQ(mounter_->next(), "Unmounted " + path + " fonts:2.3.4 " + point + " request");
    EXPECT_TRUE(nothingLeft());
}

TEST_F(ProxyTest, MountsPathsDescriptorsAndMany) {
    const auto [file, filePoint] = mounter_->MountFile(dataPath("signed/fonts-2.3.4.npk"), {});
    const auto [fd, fdPoint] =
        mounter_->MountFd(sdbus::UnixFd{openPackageFile("signed/hello-xz-1.0.0.npk").release(), sdbus::adopt_fd}, {});
    EXPECT_EQ(fdPoint, runDir() + "/hello-xz:1.0.0");
    const auto results = mounter_->MountMany({"multi:1.0.0", "attic"}, {});
    ASSERT_EQ(results.size(), 2U);
    EXPECT_TRUE(std::get<1>(results[0]));
    EXPECT_EQ(std::get<3>(results[1]), ownError("NoSuchContainer"));
    const auto gone = mounter_->UnmountMany({file, fdPoint, "multi"}, {});
    ASSERT_EQ(gone.size(), 3U);
    for (const auto& result : gone) EXPECT_TRUE(std::get<1>(result)) << std::get<3>(result);
    EXPECT_TRUE(nothingLeft());
}

TEST_F(ProxyTest, ReadsAMountClonesAndUnmountsIt) {
    const auto [path, point] = mounter_->Mount("fonts", {});
    MountObject mount{*connection_, path};
    EXPECT_EQ(mount.Container(), "fonts:2.3.4");
    EXPECT_EQ(mount.MountPoint(), point);
    EXPECT_EQ(mount.Repository(), "main");
    EXPECT_TRUE(mount.Verified());
    EXPECT_FALSE(mount.Corrupted());
    EXPECT_GT(mount.MountedAt(), 0U);
    EXPECT_TRUE(mount.Open({}).isValid());
    kernel_->corrupt(point, 7);
    mounter_->next();
    EXPECT_EQ(mounter_->next(), "CorruptionDetected " + path + " fonts:2.3.4 7");
    EXPECT_TRUE(mount.Corrupted());
    mount.Unmount({});
    EXPECT_TRUE(nothingLeft());
}

TEST_F(ProxyTest, InstallsIntoARepositoryAndUninstalls) {
    RepositoryObject other{*connection_, "other"};
    EXPECT_EQ(other.Install(sdbus::UnixFd{openPackageFile("signed/fonts-2.3.4.npk").release(), sdbus::adopt_fd}, {}),
              "fonts:2.3.4");
    EXPECT_EQ(mounter_->next(), "Installed fonts:2.3.4 other");
    EXPECT_EQ(other.Containers(), std::vector<std::string>{"fonts:2.3.4"});
    EXPECT_EQ(other.Type(), "directory");
    EXPECT_GT(other.Used(), 0U);
    mounter_->Reload({});
    other.Uninstall("fonts:2.3.4", {});
    EXPECT_EQ(mounter_->next(), "Uninstalled fonts:2.3.4 other");
}

TEST_F(ProxyTest, ErrorsComeAsExceptionsWithTheirNames) {
    EXPECT_EQ(failureOf([&] { mounter_->Mount("attic", {}); }).name, ownError("NoSuchContainer"));
    EXPECT_EQ(failureOf([&] { mounter_->Mount("fonts", {{"no such", sdbus::Variant{true}}}); }).name,
              busError("InvalidArgs"));
}

}  // namespace
}  // namespace northstar::test
