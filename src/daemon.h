// SPDX-License-Identifier: Apache-2.0
// The service as a whole: configuration, kernel, bus, put together and taken apart in the right order.
#pragma once

#include <sys/types.h>

#include <chrono>

#include "base/std.h"
#include "base/stop_bound.h"
#include "config/layers.h"
#include "kernel/kernel.h"

namespace northstar {

struct DaemonOptions {
    ConfigSource config;
    std::string bus = "system";  // "system", "session", or a D-Bus address
    bool handleSignals = false;  // SIGTERM and SIGINT stop, SIGHUP reloads; they must be blocked in every thread
};

struct DaemonTestHooks {
    std::function<uid_t(uid_t)> mapUid;                                 // what a caller's euid counts as
    std::chrono::milliseconds polkitTimeout = std::chrono::minutes{5};  // a person may need minutes to answer
};

// Reads configuration and keys as a start does, and touches nothing. Throws ConfigError. Returns the files that were
// read.
[[nodiscard]] std::vector<std::string> checkConfiguration(const ConfigSource& source);

class Daemon {
public:
    // Reads configuration and keys, takes the bus name, adopts mounts of an earlier run. Throws Error with one clear
    // line, or ConfigError with one for each problem. The repositories are read once it runs.
    Daemon(const DaemonOptions& options, std::shared_ptr<Kernel> kernel, const DaemonTestHooks& hooks = {});
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    // Serves until stop(), answers what has begun, and returns the exit status. Same thread as the constructor.
    // Mounts stay. Throws Error when the bus is lost. From then on the process has 8 s to end: it is ended if it does
    // not.
    int run();

    // Any thread.
    void stop();

private:
    void boundStop();

    struct Parts;
    std::optional<StopBound> bound_;  // first: taking the parts apart may hang, too
    std::unique_ptr<Parts> parts_;
};

}  // namespace northstar
