// SPDX-License-Identifier: Apache-2.0
#include "engine/external_change.h"

#include "base/error.h"
#include "base/log.h"
#include "engine/mount_lines.h"
#include "engine/observer.h"
#include "engine/recovery.h"
#include "package/container_name.h"

namespace northstar {

Task<> ExternalChanges::takeOut(std::uint32_t id) {
    const MountRecord* found = world_.registry.find(id);
    if (found == nullptr || world_.registry.isLeaving(id)) co_return;
    const MountRecord record = *found;
    log::warn("{} was unmounted from {} by somebody else{}", record.container(), record.mountPoint,
              record.corrupted ? "; it was corrupted" : "");
    world_.registry.remove(id);
    world_.observers.unmounted(record, record.corrupted ? UnmountReason::Corruption : UnmountReason::External);
    const bool released =
        co_await runtime_.pools.mounts.run([&] { return runtime_.steps.cleanUpAfterExternalUnmount(record); });
    if (!released) runtime_.scope.spawn(release_.awaitGone(record));
}

Task<> ExternalChanges::takeOutInTurn(MountRecord record) {
    const MountKeys keys{record.containerName(), record.mountPoint};
    const auto turn = co_await runtime_.lines.enterCommon(keys);
    co_await takeOut(record.id);
}

Task<> ExternalChanges::clear(std::string mountPoint) {
    const MountRecord* there = world_.registry.findByMountPoint(mountPoint);
    if (there == nullptr) co_return;
    std::vector<MountRecord> mounts{*there};
    const auto gone = co_await goneOf(std::move(mounts));
    for (const MountRecord& record : gone) co_await takeOut(record.id);
}

Task<> ExternalChanges::clearContainer(ContainerName container) {
    std::vector<MountRecord> mounts;
    for (const std::uint32_t id : world_.registry.findByContainer(container))
        mounts.push_back(*world_.registry.find(id));
    const auto gone = co_await goneOf(std::move(mounts));
    for (const MountRecord& record : gone) co_await takeOutInTurn(record);
}

void ExternalChanges::follow(const std::vector<MountRecord>& moved) {
    for (const MountRecord& there : moved) {
        MountRecord* record = world_.registry.find(there.id);
        if (record == nullptr || world_.registry.isLeaving(there.id)) continue;
        log::warn("{} was moved from {} to {} by somebody else", there.container(), printable(record->mountPoint),
                  printable(there.mountPoint));
        world_.registry.relocate(there.id, there.mountPoint);
        world_.observers.moved(*record);
    }
}

Task<std::vector<MountRecord>> ExternalChanges::goneOf(std::vector<MountRecord> mounts) {
    try {
        TableChanges changes =
            co_await runtime_.pools.mounts.run([&] { return findChanges(runtime_.steps.kernel(), mounts); });
        follow(changes.moved);
        co_return std::move(changes.vanished);
    } catch (const std::exception& error) {
        log::warn("Cannot tell whether {} is still mounted: {}", mounts.front().container(), error.what());
    }
    co_return std::vector<MountRecord>{};
}

}  // namespace northstar
