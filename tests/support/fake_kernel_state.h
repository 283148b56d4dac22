// SPDX-License-Identifier: Apache-2.0
// The books of the fake kernel: devices with their users, directories, mounts, watches. Everything under one mutex.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "support/fake_kernel.h"

namespace northstar::test {

struct FakeKernel::Gate::Shared {
    std::string call;
    std::size_t waiting = 0;
    bool open = false;
};

struct FakeKernel::State {
    struct Node {
        std::string path, uuid;
        LoopBacking backing;
        dev_t below = 0;  // what a verity device lies on
        int holders = 0;  // owners, devices on top, mounts
        bool stale = false, corrupted = false;
        std::uint64_t sequence = 0;
    };
    struct MountEntry {
        MountIdentity identity;
        bool busy = false;
        std::vector<Holder> holders;
    };

    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    std::map<dev_t, Node> devices;
    std::map<std::string, std::uint64_t> directories;  // with their inodes
    std::uint64_t lastInode = 0;
    std::map<std::string, MountEntry> mounts;          // by mount point
    std::map<std::string, MountEntry> beneath;         // by mount point: comes there when that one goes
    std::map<std::string, MountEntry> lazilyDetached;  // still in use, at no path
    std::uint64_t lastMountId = 100;
    std::vector<std::string> calls;
    std::vector<std::shared_ptr<Gate::Shared>> gates;
    std::map<std::size_t, Error> failuresAt;        // by index into calls
    std::map<std::string, Error> failures;          // by name
    std::set<int> mountWatches, corruptionWatches;  // eventfds
    std::deque<Corruption> corruptions;
    bool corruptionsLost = false;
    std::uint64_t lastSequence = 0;
    bool verity = true, old = false;
    std::string filesystem = "ext4";
    VerityTable lastVerity;
    MountOptions lastOptions;

    // Counts the call, waits at its gate, throws what was ordered.
    std::unique_lock<std::mutex> enter(const std::string& call);
    // With the mutex held:
    dev_t addDevice(unsigned major, const std::string& prefix, Node node);
    [[nodiscard]] dev_t numberOf(const std::string& path) const;
    void hold(dev_t device) { ++devices.at(device).holders; }
    void letGo(dev_t device);
    void tell(const std::set<int>& watches) const;
    void take(const std::string& mountPoint);
    // At that path or where it was made, if it is that directory and nothing is mounted on it.
    void remove(const std::string& mountPoint, const MadeDirectory& made);
};

}  // namespace northstar::test
