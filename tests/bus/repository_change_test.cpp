// SPDX-License-Identifier: Apache-2.0
// Repositories that change: keys by Reload, files by hand, containers by Uninstall while others mount them.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <iterator>

#include "bus_test.h"

namespace northstar::test {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

class RepositoryChangeTest : public BusTest {
protected:
    void useKeys(const std::string& type, const Names& keys) {
        std::string list;
        for (const auto& key : keys) list += "\"" + dataPath("keys/" + key + ".pub") + "\", ";
        const std::string place = type == "memory" ? "type = \"memory\"\n" : "dir = \"" + directory_ / "other" + "\"\n";
        configureOnly("", "[repositories.other]\n" + place + "keys = [" + list + "]\n");
    }
    Names containers() { return client().property<Names>(path_, kRepositoryInterface, "Containers"); }
    std::uint64_t used() { return client().property<std::uint64_t>(path_, kRepositoryInterface, "Used"); }
    void install(const std::string& data) { client().install("other", openPackageFile(data).get()); }
    // Waits until the repository has said so often that Containers and Used changed.
    bool waitForChanges(std::ptrdiff_t times) {
        const auto tells = [&](const Signal& signal) {
            const auto has = [&](const char* name) {
                return std::ranges::find(signal.args, name) != signal.args.end();
            };
            return signal.member == "PropertiesChanged" && signal.path == path_ && has("Containers") && has("Used");
        };
        return client().waitUntil([&] { return std::ranges::count_if(client().signals(), tells) == times; });
    }
    const std::string path_ = std::string{kRoot} + "/repositories/other";
};

class Rotation : public RepositoryChangeTest, public testing::WithParamInterface<std::string> {};

TEST_P(Rotation, TakesPackagesOfBothKeysAndAfterItOfTheNewOneOnly) {
    useKeys(GetParam(), {"golden", "stranger"});
    install("signed/fonts-2.3.4.npk");
    install("stranger/hello-stranger-1.0.0.npk");
    client().unmount(client().mount("fonts").object);
    client().unmount(client().mount("hello-stranger").object);
    useKeys(GetParam(), {"stranger"});
    client().reload();
    EXPECT_TRUE(waitForChanges(2 + 1 + (GetParam() == "memory" ? 1 : 0)));
    EXPECT_EQ(containers(), Names{"hello-stranger:1.0.0"});
    EXPECT_EQ(used(), fs::file_size(dataPath("stranger/hello-stranger-1.0.0.npk")));
    client().mount("hello-stranger");
    const auto failure = failureOf([&] { client().mount("fonts"); });
    EXPECT_EQ(failure.name, ownError("InvalidSignature"));
    EXPECT_NE(failure.message.find("fonts"), std::string::npos) << failure.message;
}

INSTANTIATE_TEST_SUITE_P(Repositories, Rotation, testing::Values("directory", "memory"),
                         [](const auto& type) { return type.param; });

// Its object is still in use by the call when it is there again.
TEST_F(RepositoryChangeTest, ThatGoesAndComesBackDuringAQuestionAnswersTheCall) {
    useKeys("directory", {"golden"});
    client();
    callAs(1000);
    polkit_->answer(FakePolkit::Policy::Hang);
    auto waiting = std::async(std::launch::async, [&] {
        return newClient()->install("other", openPackageFile("signed/fonts-2.3.4.npk").get());
    });
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    callAs(0);
    configureOnly("", "");
    client().reload();
    useKeys("directory", {"golden"});
    client().reload();
    EXPECT_TRUE(client().managedObjects().contains(sdbus::ObjectPath{path_}));
    EXPECT_EQ(used(), 0U);
    polkit_->release(true);
    EXPECT_EQ(waiting.get(), "fonts:2.3.4");
    EXPECT_EQ(containers(), Names{"fonts:2.3.4"});
}

TEST_F(RepositoryChangeTest, TellsWhoeverInstallsHowFarThatIsAndNobodyElse) {
    useKeys("directory", {"golden"});
    const auto other = newClient();
    install("signed/fonts-2.3.4.npk");
    const auto reply = client().replySerial;
    ASSERT_TRUE(client().waitForSignal("Installed"));  // sent after all of them
    const std::string size = std::to_string(fs::file_size(dataPath("signed/fonts-2.3.4.npk")));
    std::vector<Signal> told;
    std::ranges::copy_if(client().signals(), std::back_inserter(told),
                         [](const Signal& signal) { return signal.member == "InstallProgress"; });
    ASSERT_GE(told.size(), 2U);
    EXPECT_EQ(told.front().path, path_);
    EXPECT_EQ(told.front().args, (Names{"0", size}));
    EXPECT_EQ(told.back().args, (Names{size, size}));
    EXPECT_LT(told.back().serial, reply);
    ASSERT_TRUE(other->waitForSignal("Installed"));
    EXPECT_TRUE(std::ranges::none_of(other->signals(), [](const Signal& s) { return s.member == "InstallProgress"; }));
}

TEST_F(RepositoryChangeTest, WhatAMemoryRepositoryLosesIsSaidToBeUninstalledBeforeTheReply) {
    useKeys("memory", {"golden"});
    install("signed/fonts-2.3.4.npk");
    useKeys("memory", {"stranger"});
    client().reload();
    const auto reply = client().replySerial;
    const auto gone = client().waitForSignal("Uninstalled");
    ASSERT_TRUE(gone);
    EXPECT_EQ(gone->args, (Names{"fonts:2.3.4", "other"}));
    EXPECT_LT(gone->serial, reply);
    EXPECT_EQ(used(), 0U);
}

TEST_F(RepositoryChangeTest, AMemoryRepositoryKeepsItsPackagesWhenAKeyIsAddedOrItsLimitsChange) {
    useKeys("memory", {"golden"});
    install("signed/fonts-2.3.4.npk");
    const auto mounted = client().mount("fonts");
    useKeys("memory", {"stranger", "golden"});
    client().reload();
    EXPECT_EQ(containers(), Names{"fonts:2.3.4"});
    EXPECT_FALSE(client().waitUntil([&] { return client().waitForSignal("Uninstalled").has_value(); },
                                    std::chrono::milliseconds{1}));
    client().unmount(mounted.object);
    client().mount("fonts");
}

TEST_F(RepositoryChangeTest, AFileThatWasReplacedByHandIsSeenAndSaid) {
    configureOnly("", "[repositories.other]\ndir = \"" + directory_ / "other" + "\"\nwatch = false\n");
    fs::copy_file(dataPath("signed/hello-gzip-1.0.0.npk"), directory_ / "other/hello.npk");
    EXPECT_EQ(containers(), Names{"hello-gzip:1.0.0"});
    // The same container in another file: the same bytes at another time.
    fs::remove(directory_ / "other/hello.npk");
    fs::copy_file(dataPath("signed/hello-gzip-1.0.0.npk"), directory_ / "other/hello.npk");
    client().mount("hello-gzip");
    EXPECT_TRUE(waitForChanges(1));
}

TEST_F(RepositoryChangeTest, WhateverLiesInARepositoryTheRestIsServed) {
    useKeys("directory", {"golden"});
    addPackage("other", "signed/fonts-2.3.4.npk");
    client();
    directory_.write("other/empty.npk", "");
    directory_.write("other/hole.npk", "x");
    fs::resize_file(directory_ / "other/hole.npk", 1ULL << 40U);
    fs::create_directory(directory_ / "other/directory.npk");
    fs::create_symlink("fonts-2.3.4.npk", directory_ / "other/symlink.npk");
    ASSERT_EQ(mkfifo((directory_ / "other/fifo.npk").c_str(), 0600), 0);
    client().reload();
    EXPECT_EQ(containers(), Names{"fonts:2.3.4"});
    for (const char* name : {"empty", "hole", "directory", "symlink", "fifo"}) {
        EXPECT_EQ(failureOf([&] { client().mount(name); }).name, ownError("InvalidPackage")) << name;
    }
    client().mount("fonts");
    stop();
    EXPECT_EQ(containers(), Names{"fonts:2.3.4"});
}

TEST_F(RepositoryChangeTest, InterruptedInstallsAreRemovedByReload) {
    useKeys("directory", {});
    client();
    directory_.write("other/.northstar-install-0123456789abcdef", "half a package");
    client().reload();
    EXPECT_TRUE(fs::is_empty(directory_ / "other"));
}

TEST_F(RepositoryChangeTest, AContainerThatIsBeingMountedIsNotUninstalled) {
    useKeys("directory", {"golden"});
    install("signed/fonts-2.3.4.npk");
    FakeKernel::Gate gate{*kernel_, "attachLoop"};
    auto mount = std::async(std::launch::async, [&] { return failureOf([&] { newClient()->mount("fonts"); }).name; });
    ASSERT_TRUE(gate.waitFor(1));
    const auto failure = failureOf([&] { client().uninstall("other", "fonts"); });
    EXPECT_EQ(failure.name, ownError("Busy"));
    EXPECT_NE(failure.message.find("being mounted"), std::string::npos) << failure.message;
    gate.open();
    EXPECT_EQ(mount.get(), "");
    EXPECT_TRUE(fs::exists(directory_ / "other/fonts-2.3.4.npk"));
}

TEST_F(RepositoryChangeTest, AMountThatFailedDoesNotKeepAContainerFromBeingUninstalled) {
    useKeys("directory", {"golden"});
    install("signed/fonts-2.3.4.npk");
    kernel_->failNext("attachLoop", Error{Code::DeviceUnavailable, "none"});
    EXPECT_EQ(failureOf([&] { client().mount("fonts"); }).name, ownError("DeviceUnavailable"));
    client().uninstall("other", "fonts");
    EXPECT_TRUE(fs::is_empty(directory_ / "other"));
}

TEST_F(RepositoryChangeTest, WhatWasMountedWhilePolkitAskedIsNotUninstalled) {
    useKeys("directory", {"golden"});
    install("signed/fonts-2.3.4.npk");
    polkit_->answer("org.northstar.mounter.manage-repository", FakePolkit::Policy::Hang);
    callAs(1000);
    auto uninstall = std::async(std::launch::async,
                                [&] { return failureOf([&] { newClient()->uninstall("other", "fonts"); }).name; });
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    client().mount("fonts");
    polkit_->release(true);
    EXPECT_EQ(uninstall.get(), ownError("Busy"));
    EXPECT_EQ(containers(), Names{"fonts:2.3.4"});
}

TEST_F(RepositoryChangeTest, WhatAppearedWhilePolkitAskedIsNotUninstalled) {
    useKeys("directory", {"golden"});
    client();
    polkit_->answer("org.northstar.mounter.manage-repository", FakePolkit::Policy::Hang);
    callAs(1000);
    auto uninstall = std::async(std::launch::async,
                                [&] { return failureOf([&] { newClient()->uninstall("other", "fonts"); }).name; });
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    EXPECT_FALSE(polkit_->asked().back().details.contains("version"));
    callAs(0);
    install("signed/fonts-2.3.4.npk");  // polkit was not told that it is this one
    polkit_->release(true);
    EXPECT_EQ(uninstall.get(), ownError("NoSuchContainer"));
    EXPECT_EQ(containers(), Names{"fonts:2.3.4"});
}

TEST_F(RepositoryChangeTest, PolkitIsToldWhatExactlyIsToBeUninstalledAndThatIsWhatGoes) {
    useKeys("directory", {"golden"});
    install("signed/multi-1.0.0.npk");
    polkit_->answer("org.northstar.mounter.manage-repository", FakePolkit::Policy::Hang);
    callAs(1000);
    auto uninstall = std::async(std::launch::async,
                                [&] { return failureOf([&] { newClient()->uninstall("other", "multi"); }).name; });
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    auto details = polkit_->asked().back().details;
    EXPECT_EQ(details["container"], "multi:1.0.0");
    EXPECT_EQ(details["name"], "multi");
    EXPECT_EQ(details["version"], "1.0.0");
    EXPECT_EQ(details["repository"], "other");
    EXPECT_EQ(details["verified"], "true");
    callAs(0);
    install("signed/multi-1.2.0.npk");  // the highest one by now
    polkit_->release(true);
    EXPECT_EQ(uninstall.get(), "");
    EXPECT_EQ(containers(), Names{"multi:1.2.0"});
}

TEST_F(RepositoryChangeTest, NothingChangesInARepositoryWhoseKeysWentWhilePolkitAsked) {
    useKeys("directory", {"golden"});
    install("signed/fonts-2.3.4.npk");
    polkit_->answer("org.northstar.mounter.manage-repository", FakePolkit::Policy::Hang);
    callAs(1000);
    std::vector<std::future<std::string>> calls;
    calls.push_back(std::async(std::launch::async,
                               [&] { return failureOf([&] { newClient()->uninstall("other", "fonts"); }).name; }));
    calls.push_back(std::async(std::launch::async, [&] {
        return failureOf([&] { newClient()->install("other", openPackageFile("signed/multi-1.0.0.npk").get()); }).name;
    }));
    ASSERT_TRUE(polkit_->waitForQuestions(2));
    for (auto& question : polkit_->asked()) EXPECT_EQ(question.details["verified"], "true");
    callAs(0);
    useKeys("directory", {});
    client().reload();
    polkit_->release(true);
    for (auto& call : calls) EXPECT_EQ(call.get(), ownError("Failed"));
    EXPECT_EQ(containers(), Names{"fonts:2.3.4"});
}

TEST_F(RepositoryChangeTest, ANameWithDashesAndDotsIsEscapedInTheObjectPathOnly) {
    addPackage("other", "signed/fonts-2.3.4.npk");
    configureOnly("", "[repositories.\"com.example.my-apps\"]\ndir = \"" + directory_ / "other" + "\"\n");
    char* encoded = nullptr;
    ASSERT_GE(sd_bus_path_encode("/org/northstar/Mounter/repositories", "com.example.my-apps", &encoded), 0);
    const std::string path = encoded;
    free(encoded);
    EXPECT_EQ(client().property<std::string>(path, kRepositoryInterface, "Name"), "com.example.my-apps");
    EXPECT_TRUE(client().managedObjects().contains(sdbus::ObjectPath{path}));
    EXPECT_EQ(client().listContainers().at(0).get<2>(), "com.example.my-apps");
    const auto mounted = client().mount("fonts", {{"repository", sdbus::Variant{std::string{"com.example.my-apps"}}}});
    EXPECT_EQ(client().property<std::string>(mounted.object, kMountInterface, "Repository"), "com.example.my-apps");
    EXPECT_EQ(client().install("com_2eexample_2emy_2dapps", openPackageFile("signed/multi-1.0.0.npk").get()),
              "multi:1.0.0");
}

}  // namespace
}  // namespace northstar::test
