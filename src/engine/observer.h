// SPDX-License-Identifier: Apache-2.0
// What happened, told once registry and catalog show it, and before the call that caused it is answered. The objects on
// the bus implement it, and whatever else of the engine has to know. Bus thread only.
#pragma once

#include "base/log.h"
#include "base/std.h"
#include "registry/mount_record.h"

namespace northstar {

enum class UnmountReason { Request, External, Corruption, Replaced };

// How far an install is, for the client that asked for it.
struct InstallProgress {
    std::string repository, client;     // its unique bus name
    std::uint64_t done = 0, total = 0;  // bytes; the last one has done == total
};

class Observer {
public:
    virtual ~Observer() = default;
    virtual void mounted(const MountRecord&) {}
    virtual void unmounted(const MountRecord&, UnmountReason) {}
    virtual void moved(const MountRecord&) {}          // by somebody else; it has its new mount point
    virtual void unmountFailed(const MountRecord&) {}  // it is still there, as far as is known
    virtual void corrupted(const MountRecord&, std::uint64_t /*block*/) {}
    virtual void installed(const std::string& /*container*/, const std::string& /*repository*/) {}
    virtual void installProgress(const InstallProgress&) {}
    virtual void uninstalled(const std::string& /*container*/, const std::string& /*repository*/) {}
    // By hand, in a directory that is watched. That the repository has changed is told before, once for all of them.
    virtual void appeared(const std::string& /*container*/, const std::string& /*repository*/) {}
    virtual void vanished(const std::string& /*container*/, const std::string& /*repository*/) {}
    virtual void repositoryChanged(const std::string& /*repository*/) {}  // a package of it is another one now
    virtual void repositoriesReplaced() {}
    virtual void mountTableChanged() {}  // by whomever
    virtual void verityAvailableChanged() {}
};

// Passes on to several, in the order in which they were added. What one throws is logged.
class Observers : public Observer {
public:
    // Borrowed until removed.
    void add(Observer& observer) { all_.push_back(&observer); }
    void remove(Observer& observer) { std::erase(all_, &observer); }

    void mounted(const MountRecord& record) override { each(&Observer::mounted, record); }
    void unmounted(const MountRecord& record, UnmountReason reason) override {
        each(&Observer::unmounted, record, reason);
    }
    void moved(const MountRecord& record) override { each(&Observer::moved, record); }
    void unmountFailed(const MountRecord& record) override { each(&Observer::unmountFailed, record); }
    void corrupted(const MountRecord& record, std::uint64_t block) override {
        each(&Observer::corrupted, record, block);
    }
    void installed(const std::string& container, const std::string& repository) override {
        each(&Observer::installed, container, repository);
    }
    void installProgress(const InstallProgress& progress) override { each(&Observer::installProgress, progress); }
    void uninstalled(const std::string& container, const std::string& repository) override {
        each(&Observer::uninstalled, container, repository);
    }
    void appeared(const std::string& container, const std::string& repository) override {
        each(&Observer::appeared, container, repository);
    }
    void vanished(const std::string& container, const std::string& repository) override {
        each(&Observer::vanished, container, repository);
    }
    void repositoryChanged(const std::string& repository) override { each(&Observer::repositoryChanged, repository); }
    void repositoriesReplaced() override { each(&Observer::repositoriesReplaced); }
    void mountTableChanged() override { each(&Observer::mountTableChanged); }
    void verityAvailableChanged() override { each(&Observer::verityAvailableChanged); }

private:
    template <typename... Parameters, typename... Arguments>
    void each(void (Observer::*told)(Parameters...), const Arguments&... arguments) {
        for (Observer* observer : all_) {
            try {
                (observer->*told)(arguments...);
            } catch (const std::exception& error) {  // what has happened has happened; the others are told
                log::error("Cannot tell of a change: {}", error.what());
            }
        }
    }
    std::vector<Observer*> all_;
};

}  // namespace northstar
