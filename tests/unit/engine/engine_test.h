// SPDX-License-Identifier: Apache-2.0
// The engine on a loop of its own, over a kernel and an authority in memory, with repositories in a temporary
// directory: "main", signed by golden, and "plain", without keys.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "async/event_loop.h"
#include "async/scope.h"
#include "engine/engine.h"
#include "support/expect_error.h"
#include "support/fake_authority.h"
#include "support/fake_kernel.h"
#include "support/temporary_directory.h"
#include "support/test_caller.h"

namespace northstar::test {

using Texts = std::vector<std::string>;

// A mount with its number behind it.
inline constexpr const char* kObjects = "/mounts/";

// What observers are told, a line each: "mounted fonts:2.3.4", "unmounted fonts:2.3.4 external".
class Recorder : public Observer {
public:
    Texts events;
    std::function<void()> onEvent;  // while it is told

    [[nodiscard]] std::ptrdiff_t count(const std::string& event) const { return std::ranges::count(events, event); }

    void mounted(const MountRecord& record) override;
    void unmounted(const MountRecord& record, UnmountReason reason) override;
    void moved(const MountRecord& record) override;
    void unmountFailed(const MountRecord& record) override;
    void corrupted(const MountRecord& record, std::uint64_t block) override;
    void installed(const std::string& container, const std::string& repository) override;
    void uninstalled(const std::string& container, const std::string& repository) override;
    void appeared(const std::string& container, const std::string& repository) override;
    void vanished(const std::string& container, const std::string& repository) override;
    void repositoriesReplaced() override;
    void verityAvailableChanged() override;

private:
    void add(const std::string& event);
};

// A call under way, and how it ended.
template <typename T>
struct Outcome {
    bool ended = false;
    std::exception_ptr error{};
    std::conditional_t<std::is_void_v<T>, std::monostate, std::optional<T>> value{};
};
template <typename T>
using Pending = std::shared_ptr<Outcome<T>>;

template <typename T>
Task<> keep(Task<T> task, Pending<T> pending) {
    try {
        if constexpr (std::is_void_v<T>) {
            co_await task;
        } else {
            pending->value.emplace(co_await task);
        }
    } catch (...) {
        pending->error = std::current_exception();
    }
    pending->ended = true;
}

class EngineTest : public testing::Test {
protected:
    EngineTest();
    ~EngineTest() override;

    // The configuration: `top` in front of the two repositories, `tables` behind them; or nothing but what is given.
    void configure(const std::string& top, const std::string& tables = {}) const;
    void configureOnly(const std::string& top, const std::string& tables) const;
    // A repository table; its directory is of the same name. `keys`: of tests/data/keys.
    [[nodiscard]] std::string repository(const std::string& name, const Texts& keys) const;
    static std::string keyList(const Texts& keys);
    void addPackage(const std::string& repository, const std::string& data) const;
    [[nodiscard]] std::string runDir() const { return directory_ / "run"; }

    // Made and started when it is first asked for.
    Engine& engine();
    Engine::Methods& methods() { return engine().methods(); }
    World& world() { return (engine(), *parts_->world); }
    Registry& registry() { return world().registry; }

    // Starts a call, and lets it run until it has to wait.
    template <typename T>
    Pending<T> begin(Task<T> task) {
        auto pending = std::make_shared<Outcome<T>>();
        parts_->scope.spawn(keep(std::move(task), pending));
        return pending;
    }
    Pending<Mounted> mount(const TestCaller& caller, const std::string& what, const MountRequest& request = {});
    Pending<std::vector<MountOutcome>> mountMany(const TestCaller& caller, const Texts& what);
    // `what`: a container, a mount point, or kObjects and a number.
    Pending<void> unmount(const TestCaller& caller, const std::string& what, UnmountMode how = UnmountMode::Now);
    Pending<std::vector<std::exception_ptr>> unmountMany(const TestCaller& caller, const Texts& what);
    Pending<void> reload(const TestCaller& caller) {
        return begin(methods().repositories.reload(caller.calls("Reload")));
    }

    // Turns the loop until `done` says so. False if it has not after ten seconds.
    template <typename Done>
    [[nodiscard]] bool waitUntil(Done done, std::chrono::milliseconds bound = std::chrono::seconds{10}) {
        const auto deadline = std::chrono::steady_clock::now() + bound;
        while (!done()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            parts_->loop.after(std::chrono::milliseconds{2}, [] {});
            parts_->loop.runOnce();
        }
        return true;
    }
    // Gives what should not happen the time to.
    void linger() {
        static_cast<void>(waitUntil([] { return false; }, std::chrono::milliseconds{100}));
    }
    // The kernel has been called so often by this name, or is about to be: calls at a gate count.
    [[nodiscard]] bool waitForKernel(const std::string& call, std::ptrdiff_t times = 1) {
        return waitUntil([&] { return callsOf(call) >= times; });
    }
    [[nodiscard]] std::ptrdiff_t callsOf(const std::string& call) const {
        return std::ranges::count(kernel_.calls(), call);
    }
    [[nodiscard]] bool waitForQuestions(std::size_t times) {
        return waitUntil([&] { return authority_.asked().size() >= times; });
    }

    // What the call ends with, returned or thrown.
    template <typename T>
    T answer(const Pending<T>& pending) {
        if (!waitUntil([&] { return pending->ended; })) throw std::runtime_error{"not answered after ten seconds"};
        if (pending->error) std::rethrow_exception(pending->error);
        if constexpr (!std::is_void_v<T>) return *pending->value;
    }
    template <typename T>
    void expectFailure(Code code, const std::string& part, const Pending<T>& pending) {
        expectError(code, part, [&] { static_cast<void>(answer(pending)); });
    }
    Mounted mountAsRoot(const std::string& what, const MountRequest& request = {}) {
        return answer(mount(root_, what, request));
    }

    // What the kernel was asked since the engine was started, but for looks at files.
    [[nodiscard]] Texts kernelCalls() const;
    [[nodiscard]] Texts stateFiles() const;
    // Of devices, directories, mounts and records, which may go a moment after a call has ended.
    [[nodiscard]] testing::AssertionResult nothingLeft();

private:
    // Kept for ever if a call never ends: its frame uses them.
    struct Parts {
        EventLoop loop;
        FakeKernel kernel;
        FakeAuthority authority{loop};
        Recorder recorder;
        std::optional<World> world;
        Scope scope;
        std::optional<Engine> engine;
    };
    std::unique_ptr<Parts> parts_ = std::make_unique<Parts>();
    std::ptrdiff_t callsAtStart_ = 0;

protected:
    TemporaryDirectory directory_;
    FakeKernel& kernel_ = parts_->kernel;
    FakeAuthority& authority_ = parts_->authority;
    Recorder& recorder_ = parts_->recorder;
    Scope& scope_ = parts_->scope;
    TestCaller root_{0, ":1.1"}, user_{1000, ":1.2"};
};

}  // namespace northstar::test
