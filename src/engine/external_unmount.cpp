// SPDX-License-Identifier: Apache-2.0
#include "engine/external_unmount.h"

#include "async/task.h"
#include "base/log.h"
#include "registry/mount_record.h"

namespace northstar {

void ExternalUnmount::takeOut(std::uint32_t id) {
    const MountRecord record = *registry_.find(id);
    log::warn("{} was unmounted from {} by somebody else{}", record.container(), record.mountPoint,
              record.corrupted ? "; it was corrupted" : "");
    registry_.remove(id);
    scope_.spawn(cleanUp(record));
    observer_.unmounted(record, record.corrupted ? UnmountReason::Corruption : UnmountReason::External);
}

Task<> ExternalUnmount::cleanUp(MountRecord record) {
    bool released = false;
    {
        MountKeys keys;
        keys.add(record.containerName(), record.mountPoint);
        const auto turn = co_await lines_.enterCommon(keys);
        released = co_await pool_.run([&] { return steps_.cleanUpAfterExternalUnmount(record); });
    }
    if (!released) co_await release_.awaitGone(std::move(record));
}

}  // namespace northstar
