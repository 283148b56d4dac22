// SPDX-License-Identifier: Apache-2.0
// The fixture's hands.
#include "bus_test.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace northstar::test {

namespace fs = std::filesystem;

RunningDaemon::RunningDaemon(const DaemonOptions& options, std::shared_ptr<Kernel> kernel,
                             const DaemonTestHooks& hooks) {
    std::promise<Daemon*> made;
    std::promise<std::string> result;
    auto daemon = made.get_future();
    result_ = result.get_future();
    thread_ = std::thread{[&made, options, kernel = std::move(kernel), hooks, result = std::move(result),
                           release = release_.get_future()]() mutable {
        sigset_t reload{};
        sigaddset(&reload, SIGHUP);
        pthread_sigmask(SIG_BLOCK, &reload, nullptr);
        std::unique_ptr<Daemon> own;
        try {
            own = std::make_unique<Daemon>(options, std::move(kernel), hooks);
        } catch (...) {
            made.set_exception(std::current_exception());
            return;
        }
        made.set_value(own.get());
        try {
            result.set_value(std::to_string(own->run()));
        } catch (const std::exception& error) {
            result.set_value(error.what());
        }
        release.wait();
    }};
    try {
        daemon_ = daemon.get();
    } catch (...) {
        thread_.join();
        throw;
    }
}

RunningDaemon::~RunningDaemon() {
    stop();
    if (result_.valid() && !ends()) {
        std::fputs("The daemon does not end, so its thread cannot.\n", stderr);
        std::abort();
    }
    release_.set_value();
    thread_.join();
}

BusTest::BusTest() {
    for (const char* name : {"main", "plain", "other"}) fs::create_directory(directory_ / name);
    for (const auto& entry : fs::directory_iterator{dataPath("signed")}) {
        fs::copy(entry.path(), directory_ / "main");
    }
    addPackage("plain", "unsigned/hello-unsigned-1.0.0.npk");
    configure("");
}

BusTest::~BusTest() { stop(); }

void BusTest::configure(const std::string& top, const std::string& tables) {
    const std::string key = "[\"" + dataPath("keys/golden.pub") + "\"]\n";
    configureOnly(top, "[files]\nkeys = " + key + "[repositories.main]\ndir = \"" + directory_ / "main" +
                           "\"\nkeys = " + key + "[repositories.plain]\ndir = \"" + directory_ / "plain" + "\"\n" +
                           tables);
}

void BusTest::configureOnly(const std::string& top, const std::string& tables) {
    directory_.write("mounter.toml", "run_dir = \"" + runDir() + "\"\nstate_dir = \"" + directory_ / "state" +
                                         "\"\nworkers = 4\n" + top + "\n" + tables);
}

void BusTest::start() {
    daemon_ = std::make_unique<RunningDaemon>(DaemonOptions{config_, bus_.address(), handleSignals_}, kernel_,
                                              DaemonTestHooks{[this](uid_t) {
                                                                  const std::lock_guard passing{door_};
                                                                  return callerUid_.load();
                                                              },
                                                              polkitTimeout_});
}

void BusTest::stop() {
    client_.reset();
    daemon_.reset();
}

Client& BusTest::client() {
    if (!daemon_) {
        start();
        newClient()->listContainers();  // what a test changes in a repository comes after it was read
    }
    if (!client_) client_ = newClient();
    return *client_;
}

void BusTest::addPackage(const std::string& repository, const std::string& data) const {
    fs::copy_file(dataPath(data), fs::path{directory_ / repository} / fs::path{data}.filename());
}

UniqueFd BusTest::openPackageFile(const std::string& data) {
    UniqueFd fd{open(dataPath(data).c_str(), O_RDONLY | O_CLOEXEC)};
    EXPECT_TRUE(fd) << data;
    return fd;
}

testing::AssertionResult BusTest::nothingLeft() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (!(kernel_->live().empty() && stateFiles().empty())) {
        if (std::chrono::steady_clock::now() > deadline) {
            return testing::AssertionFailure() << "left: " << testing::PrintToString(kernel_->live())
                                               << ", state: " << testing::PrintToString(stateFiles());
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return testing::AssertionSuccess();
}

std::vector<std::string> BusTest::stateFiles() const {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator{directory_ / "state/mounts", ignored}) {
        names.push_back(entry.path().filename());
    }
    return names;
}

}  // namespace northstar::test
