// SPDX-License-Identifier: Apache-2.0
#include "bus/watches.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "bus/release.h"
#include "engine/mount_job.h"
#include "engine/recovery.h"

namespace northstar::bus {
namespace {

constexpr std::chrono::milliseconds kCoalesce{50};  // one look at the table for a burst of changes
constexpr std::size_t kMostEvents = 64;             // a turn of the loop: a flood must not keep calls waiting
constexpr std::size_t kMostBlocks = 64;             // reported for a mount; more tell nothing new and would be kept

}  // namespace

Watches::Watches(Core& core) : core_{core}, mounts_{core.kernel.watchMounts()} {
    core_.loop.watch(mounts_->fd(), [this] {
        mounts_->drain();
        mountTableChanged();
    });
    core_.mountTableChanged = [this] { mountTableChanged(); };
    try {
        corruption_ = core.kernel.watchCorruption();
        core_.loop.watch(corruption_->fd(), [this] { readCorruption(); });
    } catch (const Error& error) {
        spdlog::warn("Corruption will not be reported: {}", error.what());
    }
}

Watches::~Watches() {
    core_.mountTableChanged = [] {};
    core_.loop.unwatch(mounts_->fd());
    if (corruption_) core_.loop.unwatch(corruption_->fd());
}

void Watches::mountTableChanged() {
    if (planned_) return;
    planned_ = true;
    core_.loop.after(kCoalesce, [this] {
        if (looking_) {  // the table is being read: once more when that is done
            planned_ = false;
            return mountTableChanged();
        }
        planned_ = false;
        look();
    });
}

Detached Watches::look() {
    std::vector<MountRecord> records;
    for (const auto& [id, record] : core_.registry.mounts()) {
        if (!core_.unmounting.contains(id)) records.push_back(record);
    }
    if (records.empty()) co_return;
    looking_ = true;
    try {
        Work job{core_.workers, core_.loop, "", [this, &records] { return findVanished(core_.kernel, records); }};
        const std::vector<MountRecord> vanished = co_await job;
        for (const MountRecord& record : vanished) {
            if (core_.registry.find(record.id) == nullptr || core_.unmounting.contains(record.id)) continue;
            const bool corrupted = core_.registry.find(record.id)->corrupted;  // it may have been seen meanwhile
            spdlog::warn("{} was unmounted from {} by somebody else{}", record.container(), record.mountPoint,
                         corrupted ? "; it was corrupted" : "");
            core_.registry.remove(record.id);
            cleanUp(record);
            core_.events.unmounted(record, corrupted ? "corruption" : "external");
        }
    } catch (const std::exception& error) {
        spdlog::error("Cannot look at the mount table: {}", error.what());
    }
    looking_ = false;
}

Detached Watches::cleanUp(MountRecord record) {
    ++cleaning_;
    bool released = false;
    {
        // Before whatever is asked for this container or mount point next.
        const Order::Keys keys{record.container(), record.mountPoint};
        const Order::Turn turn = co_await core_.order.enter("", keys);
        Work job{core_.workers, core_.loop, record.container(),
                 [this, &record] { return cleanUpAfterExternalUnmount(core_.kernel, core_.state, record); }};
        released = co_await job;
    }
    if (!released) co_await awaitRelease(core_, record);
    --cleaning_;
}

void Watches::readCorruption() {
    std::erase_if(reported_, [this](const auto& entry) { return core_.registry.find(entry.first) == nullptr; });
    for (const Corruption& event : corruption_->read(kMostEvents)) {
        for (const MountRecord* found : core_.registry.findByDevice(event.device)) {
            auto& blocks = reported_[found->id];
            if (found->verityUuid.empty() || blocks.size() >= kMostBlocks || !blocks.insert(event.block).second) continue;
            MountRecord& record = *core_.registry.find(found->id);
            spdlog::error("{} on {} is corrupted: {} block {} of {} does not match its hash", record.container(),
                          record.mountPoint, event.metadata ? "hash" : "data", event.block, record.device);
            if (!std::exchange(record.corrupted, true) && !core_.unmounting.contains(record.id)) {
                core_.workers.submit(record.container(), [&core = core_, copy = record] {
                    try {
                        core.state.save(copy);
                    } catch (const Error& error) {
                        spdlog::warn("{}", error.what());
                    }
                });
            }
            core_.events.corrupted(record, event.block);
        }
    }
}

}  // namespace northstar::bus
