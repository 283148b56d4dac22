// SPDX-License-Identifier: Apache-2.0
// What all calls work on. Lives on the bus thread; workers get values and references to what is thread-safe (the
// kernel, the state store) only.
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <stop_token>
#include <string>

#include "async/event_loop.h"
#include "async/executor.h"
#include "async/order.h"
#include "async/turnstile.h"
#include "bus/authorizer.h"
#include "bus/bus_source.h"
#include "bus/client_watch.h"
#include "config/config.h"
#include "engine/sealed_images.h"
#include "kernel/kernel.h"
#include "registry/registry.h"
#include "registry/state_store.h"
#include "repository/catalog.h"

namespace northstar::bus {

inline constexpr const char* kServiceName = "org.northstar.Mounter";
inline constexpr const char* kRootPath = "/org/northstar/Mounter";
inline constexpr const char* kMountsPath = "/org/northstar/Mounter/mounts/";
inline constexpr const char* kRepositoriesPath = "/org/northstar/Mounter/repositories/";

// What happened, told to the objects on the bus once the registry and the catalog show it.
struct Events {
    std::function<void(const MountRecord&)> mounted;
    std::function<void(const MountRecord&, const std::string& reason)> unmounted;
    std::function<void(const MountRecord&, std::uint64_t block)> corrupted;
    std::function<void(const std::string& container, const std::string& repository)> installed, uninstalled;
    std::function<void(const std::string& repository)> repositoryChanged;  // a package of it is another one now
    std::function<void()> repositoriesReplaced;
    std::function<void()> verityAvailableChanged;
};

struct Core {
    Core(sdbus::IConnection& connection, Kernel& linux, const Config& configuration, std::string file,
         std::chrono::microseconds polkitTimeout)
        : bus{connection},
          kernel{linux},
          config{configuration},
          configPath{std::move(file)},
          state{config.stateDir},
          registry{{config.limits.mounts, config.limits.mountsPerUid}},
          source{bus},
          order{loop},
          repositoryChanges{loop},
          clients{bus, loop},
          authorizer{bus, clients, config.authorization, polkitTimeout},
          workers{config.workers},
          bulk{1},
          searches{1},
          verifier{1} {
        loop.add(source);
    }

    sdbus::IConnection& bus;
    Kernel& kernel;
    Config config;
    std::string configPath;
    StateStore state;
    SealedImages sealedImages;
    Registry registry;
    Catalog catalog;
    KeyRing fileKeys;           // for MountFile and MountFd: those of [files] and of all repositories
    std::size_t searching = 0;  // for who holds a mount
    std::chrono::steady_clock::time_point nextRecount{};  // of devices that outlived their mounts
    std::stop_source stopping;                            // the service ends: long work is given up
    std::set<std::uint32_t> unmounting;                   // an unmount of ours is under way
    bool verityAvailable = false;  // as far as is known: asked again when something hints at a change
    Events events;
    std::function<void()> mountTableChanged;  // asks for a look at the mount table, soon
    EventLoop loop;
    BusSource source;             // of the loop
    Order order;                  // mounts and unmounts: of one caller ("from NAME"), and of all ("")
    Turnstile repositoryChanges;  // installs, uninstalls and reloads, one at a time
    ClientWatch clients;
    Authorizer authorizer;
    Executor workers;
    Executor bulk;      // long work that must not keep mounts waiting: installs, reloads
    Executor searches;  // for who holds a mount: seconds on a machine with many processes
    Executor verifier;  // whole-image checks, one at a time: each of them uses every processor
};

}  // namespace northstar::bus
