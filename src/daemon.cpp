// SPDX-License-Identifier: Apache-2.0
#include "daemon.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "async/scope.h"
#include "async/task.h"
#include "auth/call.h"
#include "base/error.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "bus/held_reads.h"
#include "bus/names.h"
#include "bus/objects.h"
#include "bus/polkit.h"
#include "config/config.h"
#include "engine/engine.h"
#include "repository/load.h"
#include "sdbus/bus_source.h"

namespace northstar {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<sdbus::IConnection> connect(const std::string& bus) {
    try {
        if (bus == "system") return sdbus::createSystemBusConnection();
        if (bus == "session") return sdbus::createSessionBusConnection();
        return sdbus::createSessionBusConnectionWithAddress(bus);
    } catch (const sdbus::Error& error) {
        throw Error{Code::Failed, fmt::format("Cannot connect to the bus {}: {}", bus, error.getMessage())};
    }
}

void makeDirectory(const std::string& path) {
    std::error_code failure;
    std::filesystem::create_directories(path, failure);
    if (failure) throw Error{Code::Failed, fmt::format("Cannot make the directory {}: {}", path, failure.message())};
}

}  // namespace

// In the order in which they are made; taken apart the other way round.
struct Daemon::Parts {
    Parts(const DaemonOptions& options, std::shared_ptr<Kernel> own, const DaemonTestHooks& hooks, Loaded loaded)
        : kernel{std::move(own)}, connection{connect(options.bus)}, source{*connection}, clients{*connection},
          polkit{*connection, hooks.polkitTimeout}, world{std::move(loaded), options.config} {
        takeName();
        loop.add(source);
        engine.emplace(loop, scope, *kernel, polkit, world);
        dispatcher.emplace(scope, clients, world.settings.config.limits, hooks.mapUid);
        objects.emplace(*connection, *dispatcher, *engine, world);
        if (options.handleSignals) watchSignals();
        if (!world.repositoriesRead.isOpen()) {
            reads.emplace(*connection);
            scope.spawn(answerHeldReads());
        }
        engine->start();
    }

    // Before anything is touched that a running instance may be using. Calls wait until the loop runs.
    void takeName() {
        try {
            connection->requestName(bus::ServiceName{bus::kServiceName});
        } catch (const sdbus::Error& error) {
            throw Error{Code::Failed,
                        fmt::format("Cannot take the name {} on the bus (is another instance running?): {}",
                                    bus::kServiceName, error.getMessage())};
        }
    }

    void watchSignals() {
        sigset_t signals;
        sigemptyset(&signals);
        for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
        signalFd = UniqueFd{signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
        if (!signalFd) throwErrno(Code::Failed, "Cannot make a signalfd", errno);
        loop.watch(signalFd.get(), [this] {
            signalfd_siginfo info{};
            while (read(signalFd.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
                if (info.ssi_signo == SIGHUP) {
                    reloadSoon();
                } else {
                    loop.stop();
                }
            }
        });
    }

    Task<> answerHeldReads() {
        static const std::string kUs;
        try {
            co_await world.repositoriesRead.pass(kUs);
        } catch (const Error&) {
            log::debug("The service stops before the repositories were read");
        }
        reads->release();
    }

    // However many signals come while one reload is under way, one more follows.
    void reloadSoon() {
        if (reloads++ == 0) scope.spawn(reload());
    }

    Task<> reload() {
        sd_notify(0, "RELOADING=1");
        while (std::exchange(reloads, 1) > 0 && !stopping) {
            try {
                co_await engine->methods().repositories.reload(ownCall("Reload"));
            } catch (const std::exception& error) {
                log::error("The reload failed: {}", error.what());
            }
            --reloads;
        }
        reloads = 0;
        sd_notify(0, "READY=1");
    }

    void feedWatchdog(std::chrono::microseconds interval) {
        sd_notify(0, "WATCHDOG=1");
        loop.after(std::chrono::duration_cast<std::chrono::milliseconds>(interval / 2),
                   [this, interval] { feedWatchdog(interval); });
    }

    // Calls that have begun are answered: their workers finish, questions to polkit are withdrawn, and what may take
    // long (Verify, Install) is given up.
    void finish() {
        stopping = true;
        dispatcher->close();
        engine->stop();
        while (!scope.empty()) loop.runOnce();
    }

    // Nobody can be told or answered any more; what has begun is brought to its end all the same.
    void finishWithoutBus() {
        loop.remove(source);
        objects->stopObserving();
        clients.giveUp();
        finish();
    }

    std::shared_ptr<Kernel> kernel;
    EventLoop loop;
    std::unique_ptr<sdbus::IConnection> connection;
    bus::BusSource source;
    bus::Clients clients;
    bus::Polkit polkit;
    World world;
    Scope scope;
    std::optional<Engine> engine;
    std::optional<bus::Dispatcher> dispatcher;
    std::optional<bus::Objects> objects;
    std::optional<bus::HeldReads> reads;
    UniqueFd signalFd;
    unsigned reloads = 0;  // asked for, with the one under way
    bool stopping = false;
};

std::vector<std::string> checkConfiguration(const ConfigSource& source) { return loadSettings(source).files; }

Daemon::Daemon(const DaemonOptions& options, std::shared_ptr<Kernel> kernel, const DaemonTestHooks& hooks) {
    Loaded loaded = loadSettings(options.config);
    log::info("The configuration is {}", nameFiles(loaded.files));
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
        parts_->loop.run();
        sd_notify(0, "STOPPING=1");
        boundStop();
        parts_->finish();
        return 0;
    } catch (const sdbus::Error& error) {
        boundStop();
        parts_->finishWithoutBus();
        throw Error{Code::Failed, "The bus is lost: " + error.getMessage()};
    } catch (...) {
        boundStop();
        parts_->finishWithoutBus();
        throw;
    }
}

void Daemon::boundStop() {
    if (!bound_) bound_.emplace(7s, [kernel = parts_->kernel] { kernel->giveUpStalledFiles(); });
}

void Daemon::stop() {
    parts_->loop.post([this] { parts_->loop.stop(); });
}

}  // namespace northstar
