// SPDX-License-Identifier: Apache-2.0
// The fixture of the bus tests: a private bus, a fake polkit, a fake kernel, temporary repositories, and the daemon on
// a thread of its own. Callers count as root unless a test says otherwise.
//   main   verified, with tests/data/signed       plain   no key, with tests/data/unsigned
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "client.h"
#include "daemon.h"
#include "support/fake_kernel.h"
#include "support/fake_polkit.h"
#include "support/private_bus.h"
#include "support/temporary_directory.h"
#include "support/test_data.h"

namespace northstar::test {

// A daemon on a thread: made, run and destroyed there.
class RunningDaemon {
public:
    // Throws what the daemon's constructor throws.
    RunningDaemon(const DaemonOptions& options, std::shared_ptr<Kernel> kernel, const DaemonTestHooks& hooks);
    ~RunningDaemon();
    RunningDaemon(const RunningDaemon&) = delete;
    RunningDaemon& operator=(const RunningDaemon&) = delete;

    void stop() { daemon_->stop(); }
    // To its thread alone, where SIGHUP is blocked.
    void signal(int number) { pthread_kill(thread_.native_handle(), number); }
    // Waits until run() has ended: its result, or the message of what it threw. "" if it does not end.
    [[nodiscard]] std::string result() { return ends() ? result_.get() : ""; }

private:
    // Does run() end within a time that is long for it? It answers within 10 s of stop().
    [[nodiscard]] bool ends() const { return result_.wait_for(std::chrono::seconds{30}) == std::future_status::ready; }

    Daemon* daemon_ = nullptr;
    std::promise<void> release_;  // the thread destroys the daemon after this
    std::future<std::string> result_;
    std::thread thread_;
};

class BusTest : public testing::Test {
protected:
    BusTest();
    ~BusTest() override;

    // Adds top-level lines before, and tables after the usual configuration.
    void configure(const std::string& top, const std::string& tables = {});
    // `tables` replaces those of [repositories.*] and [files].
    void configureOnly(const std::string& top, const std::string& tables);
    void start();
    void stop();
    [[nodiscard]] std::unique_ptr<Client> newClient() const { return std::make_unique<Client>(bus_.connect()); }
    Client& client();
    // Callers count as this user from now on.
    void callAs(uid_t uid) { callerUid_ = uid; }

    [[nodiscard]] std::string runDir() const { return directory_ / "run"; }
    void addPackage(const std::string& repository, const std::string& data) const;
    [[nodiscard]] static UniqueFd openPackageFile(const std::string& data);
    // The fake kernel has nothing any more, or gets there soon (what is left is in the failure).
    [[nodiscard]] testing::AssertionResult nothingLeft() const;
    [[nodiscard]] std::vector<std::string> stateFiles() const;

    TemporaryDirectory directory_;
    ConfigSource config_{directory_ / "mounter.toml"};
    PrivateBus bus_;
    std::unique_ptr<FakePolkit> polkit_ = std::make_unique<FakePolkit>(bus_);
    std::shared_ptr<FakeKernel> kernel_ = std::make_shared<FakeKernel>();
    std::atomic<uid_t> callerUid_ = 0;
    std::mutex door_;  // while a test holds it, the bus thread goes no further than to the next call
    bool handleSignals_ = false;
    std::chrono::milliseconds polkitTimeout_ = std::chrono::minutes{5};
    std::unique_ptr<RunningDaemon> daemon_;
    std::unique_ptr<Client> client_;
};

}  // namespace northstar::test
