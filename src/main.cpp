// SPDX-License-Identifier: Apache-2.0
// northstar-mounterd: the command line of the daemon.
#include <openssl/crypto.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/log.h"
#include "base/std.h"
#include "base/version.h"
#include "config/config.h"
#include "config/layers.h"
#include "config/problems.h"
#include "daemon.h"
#include "kernel/linux/linux_kernel.h"

namespace {

// In every thread, so before the first of them starts: the event loop reads them from a signalfd.
void blockSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);  // a file that may not grow (RLIMIT_FSIZE) is the error of one install
}

// Mounts, calls and callers' files need some each: as many as the hard limit gives.
void raiseDescriptorLimit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

// A thread may be left behind in a file that stalls, and end while the process exits: libcrypto is not taken apart
// under it (OPENSSL_init_crypto(3)).
void keepLibcrypto() { OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr); }

int checkConfig(const northstar::ConfigSource& source) {
    try {
        const auto files = northstar::checkConfiguration(source);
        std::cout << "The configuration is good: " << northstar::nameFiles(files) << std::endl;
        return std::cout ? 0 : 1;
    } catch (const northstar::ConfigError& error) {
        for (const auto& line : error.lines()) std::cerr << line << '\n';
        return 1;
    }
}

}  // namespace

int main(int argc, char** argv) {
    northstar::DaemonOptions options{{}, "system", true};
    bool check = false;
    std::string level = "info";
    CLI::App app{"Mounts signed Northstar packages on behalf of D-Bus callers", "northstar-mounterd"};
    app.add_option("--config", options.config.file,
                   "read this file alone, not /etc/northstar/mounter.toml and the like");
    app.add_flag("--check-config", check, "say what is wrong in the configuration, and exit");
    app.add_option("--bus", options.bus, "system, session, or a D-Bus address")->capture_default_str();
    app.add_option("--log-level", level, "what to log")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
    app.set_version_flag("--version", std::string{"northstar-mounterd "} + northstar::kVersion);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (check) return checkConfig(options.config);
    try {
        blockSignals();
        keepLibcrypto();
        umask(022);  // mount points are for everybody to enter, whoever starts it
        raiseDescriptorLimit();
        northstar::setUpLogging("northstar-mounterd", level);
        northstar::Daemon daemon{options, northstar::makeLinuxKernel()};
        return daemon.run();
    } catch (const northstar::ConfigError& error) {
        for (const auto& line : error.lines()) northstar::logFatal(line);
        return 1;
    } catch (const std::exception& error) {
        northstar::logFatal(error.what());
        return 1;
    }
}
