// SPDX-License-Identifier: Apache-2.0
#include "daemon.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include <filesystem>

#include "base/unique_fd.h"
#include "bus/calls.h"
#include "bus/dispatcher.h"
#include "bus/loader.h"
#include "bus/objects.h"
#include "bus/watches.h"
#include "engine/recovery.h"
#include "repository/install.h"

namespace northstar {
namespace {

std::unique_ptr<sdbus::IConnection> connect(const std::string& bus) {
    try {
        if (bus == "system") return sdbus::createSystemBusConnection();
        if (bus == "session") return sdbus::createSessionBusConnection();
        return sdbus::createSessionBusConnectionWithAddress(bus);
    } catch (const sdbus::Error& error) {
        throw Error{Code::Failed, "Cannot connect to the bus " + bus + ": " + error.getMessage()};
    }
}

void makeDirectory(const std::string& path) {
    std::error_code failure;
    std::filesystem::create_directories(path, failure);
    if (failure) throw Error{Code::Failed, "Cannot make the directory " + path + ": " + failure.message()};
}

}  // namespace

struct Daemon::Parts {
    Parts(const DaemonOptions& options, std::shared_ptr<Kernel> linux, const DaemonTestHooks& hooks, bus::Loaded loaded)
        : kernel{std::move(linux)},
          connection{connect(options.bus)},
          core{*connection, *kernel, loaded.config, options.configPath, hooks.polkitTimeout},
          calls{core},
          dispatcher{core, hooks.mapUid} {
        core.mountTableChanged = [] {};
        takeName();
        core.state.lock();
        for (const auto& [name, repository] : loaded.repositories) removeInterruptedInstalls(repository->config);
        bus::applyLoaded(core, std::move(loaded));
        for (auto& record : recoverMounts(*kernel, core.state)) {
            spdlog::info("Adopted {} on {}", record.container(), record.mountPoint);
            core.registry.add(std::move(record));
        }
        core.verityAvailable = kernel->verityAvailable();
        objects = std::make_unique<bus::Objects>(core, calls, dispatcher);
        for (const auto& [id, record] : core.registry.mounts()) objects->addMount(id);
        watches = std::make_unique<bus::Watches>(core);
        if (options.handleSignals) watchSignals();
        calls.mountOnStart();
    }

    // Before anything is touched that a running instance may be using. Calls wait until the loop runs.
    void takeName() {
        try {
            connection->requestName(bus::ServiceName{bus::kServiceName});
        } catch (const sdbus::Error& error) {
            throw Error{Code::Failed, std::string{"Cannot take the name "} + bus::kServiceName +
                                          " on the bus (is another instance running?): " + error.getMessage()};
        }
    }

    // Jobs that nobody waits for still use what is destroyed below.
    ~Parts() {
        core.stopping.request_stop();  // also if the bus was lost
        core.workers.drain();
        core.bulk.drain();
        core.searches.drain();
        core.verifier.drain();
    }

    void watchSignals() {
        sigset_t signals;
        sigemptyset(&signals);
        for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
        signalFd = UniqueFd{signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
        if (!signalFd) throwErrno(Code::Failed, "Cannot make a signalfd", errno);
        core.loop.watch(signalFd.get(), [this] {
            signalfd_siginfo info{};
            while (read(signalFd.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
                if (info.ssi_signo == SIGHUP) {
                    reload();
                } else {
                    core.loop.stop();
                }
            }
        });
    }

    Detached reload() {
        const auto call =
            std::make_shared<const bus::Call>(bus::Call{{"", 0, false}, findMethodRule(bus::kServiceName, "Reload")});
        ++background;
        sd_notify(0, "RELOADING=1");
        try {
            co_await calls.reload(call, {});
        } catch (const std::exception& error) {
            spdlog::error("Cannot reload, all stays as it was: {}", error.what());
        }
        sd_notify(0, "READY=1");
        --background;
    }

    void feedWatchdog(std::chrono::microseconds interval) {
        sd_notify(0, "WATCHDOG=1");
        core.loop.after(std::chrono::duration_cast<std::chrono::milliseconds>(interval / 2),
                        [this, interval] { feedWatchdog(interval); });
    }

    // Calls that have begun are answered: their workers finish, questions to polkit are withdrawn, and what may take
    // long (Verify, Install) is given up.
    void finish() {
        dispatcher.close();
        core.authorizer.close();
        core.stopping.request_stop();
        while (dispatcher.active() > 0 || background > 0 || watches->busy() || calls.starting()) core.loop.runOnce();
    }

    std::shared_ptr<Kernel> kernel;
    std::unique_ptr<sdbus::IConnection> connection;
    bus::Core core;
    bus::Calls calls;
    bus::Dispatcher dispatcher;
    std::unique_ptr<bus::Objects> objects;
    std::unique_ptr<bus::Watches> watches;
    UniqueFd signalFd;
    int background = 0;
};

Daemon::Daemon(const DaemonOptions& options, std::shared_ptr<Kernel> kernel, const DaemonTestHooks& hooks) {
    bus::Loaded loaded = bus::loadAll(options.configPath, {});
    makeDirectory(loaded.config.runDir);
    makeDirectory(loaded.config.stateDir);
    parts_ = std::make_unique<Parts>(options, std::move(kernel), hooks, std::move(loaded));
}

Daemon::~Daemon() = default;

int Daemon::run() {
    try {
        sd_notify(0, "READY=1");
        std::uint64_t watchdog = 0;
        if (sd_watchdog_enabled(0, &watchdog) > 0) parts_->feedWatchdog(std::chrono::microseconds{watchdog});
        parts_->core.loop.run();
        sd_notify(0, "STOPPING=1");
        parts_->finish();
        return 0;
    } catch (const sdbus::Error& error) {
        throw Error{Code::Failed, "The bus is lost: " + error.getMessage()};
    }
}

void Daemon::stop() {
    parts_->core.loop.post([this] { parts_->core.loop.stop(); });
}

}  // namespace northstar
