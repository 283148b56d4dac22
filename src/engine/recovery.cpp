// SPDX-License-Identifier: Apache-2.0
#include "engine/recovery.h"

#include <sys/types.h>

#include "base/error.h"
#include "base/log.h"
#include "kernel/mount.h"
#include "registry/state_store.h"

namespace northstar {
namespace {

std::vector<dev_t> devicesOf(const std::vector<MountRecord>& records) {
    std::vector<dev_t> devices;
    for (const auto& record : records) devices.push_back(record.identity.device);
    std::ranges::sort(devices);
    devices.erase(std::unique(devices.begin(), devices.end()), devices.end());
    return devices;
}

const MountTableEntry* findMount(const std::vector<MountTableEntry>& table, const MountRecord& record) {
    const auto it =
        std::ranges::find_if(table, [&](const auto& e) { return isSameMount(record.identity, e.identity); });
    return it == table.end() ? nullptr : &*it;
}

// The table has no unique ids; they are asked at the path. Of a mount that went meanwhile there is none to be had, and
// its id and device may be those of one that went before it: that was not moved there. The next table tells. After
// these looks it was moved, and mounted over.
constexpr int kMostLooks = 3;

bool isDoubtful(const MountRecord& record, const MountTableEntry& entry) {
    return record.identity.uniqueId != 0 && entry.identity.uniqueId == 0;
}

// Device numbers are reused: the device must also be the one that the record was written for.
bool isSameDevice(Kernel& kernel, const MountRecord& record) {
    if (!record.verityUuid.empty()) return kernel.verityUuid(record.identity.device) == record.verityUuid;
    return kernel.loopBacking(record.loopDevice) == record.backing;
}

// A block that was read while no service ran: the kernel told nobody, and the device knows.
void noteCorruption(Kernel& kernel, const StateStore& state, MountRecord& record) {
    try {
        if (record.corrupted || findCorrupted(kernel, {record}).empty()) return;
        record.corrupted = true;
        log::error(
            "{} on {} is corrupted: a block whose number is not known, read while the service did not run, "
            "does not match its hash",
            record.container(), record.mountPoint);
        state.save(record);
    } catch (const Error& error) {  // it is looked for again at the next start
        log::warn("{}", error.what());
    }
}

// The service died between the steps of a Replace: what one of them is in the place of goes. Both had the directory.
void finishReplacing(const MountSteps& steps, std::vector<MountRecord>& adopted) {
    for (const MountRecord& one : std::vector{adopted}) {
        const auto old = std::ranges::find(adopted, one.replaces, &MountRecord::id);
        if (one.replaces == 0 || old == adopted.end() || old->mountPoint != one.mountPoint) continue;
        try {
            steps.takeDownReplaced(*old);
            log::info("{} on {} has taken the place of {}", one.container(), one.mountPoint, old->container());
            adopted.erase(old);
        } catch (const Error& error) {
            log::warn("{} is still on {}: {}", old->container(), old->mountPoint, error.what());
        }
    }
}

// Is its directory another one's, too, whose place it was to take, or which was to take its place?
bool sharesDirectory(const MountRecord& record, const std::vector<MountRecord>& all) {
    return std::ranges::any_of(all, [&](const MountRecord& other) {
        return (other.replaces == record.id || other.id == record.replaces) && other.made == record.made;
    });
}

}  // namespace

std::vector<MountRecord> recoverMounts(const MountSteps& steps) {
    Kernel& kernel = steps.kernel();
    const StateStore& state = steps.state();
    auto records = state.load();
    const auto table = records.empty() ? std::vector<MountTableEntry>{} : kernel.mountsOn(devicesOf(records));
    std::vector<MountRecord> adopted, gone;
    std::vector<std::string> keep;
    for (MountRecord& record : records) {
        const auto* entry = findMount(table, record);
        if (entry == nullptr || !isSameDevice(kernel, record)) {
            log::info("{} is no longer mounted on {}", record.container(), record.mountPoint);
            gone.push_back(std::move(record));
            continue;
        }
        adopted.push_back(record);
        if (!isDoubtful(record, *entry)) adopted.back().identity = entry->identity;
        adopted.back().mountPoint = entry->mountPoint;
        if (!record.verityUuid.empty()) keep.push_back(record.verityUuid);
        noteCorruption(kernel, state, adopted.back());
    }
    for (MountRecord& record : gone) {
        if (sharesDirectory(record, adopted)) record.made = {};
        steps.cleanUpAfterExternalUnmount(record);
    }
    finishReplacing(steps, adopted);
    if (const auto removed = kernel.removeStaleDevices(keep); removed > 0) {
        log::info("Removed {} verity devices that no mount uses", removed);
    }
    return adopted;
}

std::vector<std::uint32_t> findCorrupted(Kernel& kernel, const std::vector<MountRecord>& records) {
    std::vector<std::uint32_t> corrupted;
    for (const auto& record : records) {
        if (!record.verityUuid.empty() && kernel.isCorrupted(record.verityUuid)) corrupted.push_back(record.id);
    }
    return corrupted;
}

TableChanges findChanges(Kernel& kernel, const std::vector<MountRecord>& records) {
    if (records.empty()) return {};
    for (int look = 1;; ++look) {
        const auto table = kernel.mountsOn(devicesOf(records));
        TableChanges changes;
        bool doubtful = false;
        for (const MountRecord& record : records) {
            const MountTableEntry* entry = findMount(table, record);
            if (entry == nullptr) {
                changes.vanished.push_back(record);
            } else if (entry->mountPoint != record.mountPoint) {
                doubtful |= isDoubtful(record, *entry);
                changes.moved.push_back(record);
                changes.moved.back().mountPoint = entry->mountPoint;
            }
        }
        if (!doubtful || look == kMostLooks) return changes;
    }
}

}  // namespace northstar
