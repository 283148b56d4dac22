// SPDX-License-Identifier: Apache-2.0
// What all parts of the engine share: what there is, and what the work on it runs on. Bus thread only.
#pragma once

#include <stop_token>

#include "async/event_loop.h"
#include "async/gate.h"
#include "async/pool.h"
#include "async/scope.h"
#include "async/task.h"
#include "base/std.h"
#include "config/config.h"
#include "config/layers.h"
#include "engine/mount_lines.h"
#include "engine/mount_steps.h"
#include "engine/observer.h"
#include "kernel/kernel.h"
#include "package/keys.h"
#include "registry/registry.h"
#include "repository/catalog.h"
#include "repository/load.h"

namespace northstar {

// What the configuration says, and the keys that it names. A Reload changes it in place.
struct Settings {
    ConfigSource source;
    Config config;
    KeyRing fileKeys;  // for MountFile and MountFd: those of [files] and of all repositories

    [[nodiscard]] std::string defaultMountPoint(const std::string& container) const {
        return config.runDir + "/" + container;
    }
};

// What there is: plain state, one for the whole process, and who is told when it changes.
struct World {
    World(Loaded loaded, ConfigSource source);

    Settings settings;
    Registry registry;
    Catalog catalog;
    Gate repositoriesRead;  // for whoever asks for what they hold; they are read once the service runs
    Observers observers;
};

// Threads for what blocks, apart by how long it may take.
struct Pools {
    Pools(EventLoop& loop, unsigned workers)
        : mounts{loop, workers}, files{loop, kFileThreads, kFileThreadsPerUser}, bulk{loop, 1}, searches{loop, 1},
          verifier{loop, 1} {}

    // A caller can make reads of its file wait for as long as it likes, where that lies on a disk of its own, or it
    // keeps the inode locked by a write that does not end.
    static constexpr unsigned kFileThreads = 64, kFileThreadsPerUser = 4;

    Pool mounts;    // milliseconds: mounts, unmounts, looks at files and devices
    Pool files;     // all that reads files of callers, from the first look to the mount
    Pool bulk;      // installs, reloads
    Pool searches;  // for who holds a mount: seconds on a machine with many processes
    Pool verifier;  // whole-image checks, one at a time: each of them uses every processor
};

// What the work runs on.
struct Runtime {
    // Takes the state directory. Throws Error.
    Runtime(EventLoop& events, Scope& tasks, Kernel& kernel, const Config& config);

    EventLoop& loop;
    Scope& scope;               // for what no call waits for
    std::stop_source stopping;  // the service stops: questions and long work are given up
    Pools pools;
    MountSteps steps;
    MountLines lines;
};

// Has the kernel dm-verity? As far as is known: a module may be loaded or go at any time, and the kernel tells nobody.
class VerityAvailability {
public:
    // Asks the kernel at once.
    VerityAvailability(Runtime& runtime, Observer& observer)
        : runtime_{runtime}, observer_{observer}, available_{runtime.steps.kernel().verityAvailable()} {}

    [[nodiscard]] bool available() const noexcept { return available_; }
    // What was seen by the way.
    void set(bool available);
    // Asks again, after something that hints at a change. Never throws.
    Task<> refresh();

private:
    Runtime& runtime_;
    Observer& observer_;
    bool available_;
};

}  // namespace northstar
