// SPDX-License-Identifier: Apache-2.0
#include "bus/watches.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "bus/release.h"
#include "engine/mount_job.h"
#include "engine/recovery.h"

namespace northstar::bus {
namespace {

constexpr std::chrono::milliseconds kCoalesce{50};    // one look at the table for a burst of changes
constexpr std::chrono::milliseconds kAfterLoss{500};  // one round of questions to all devices for a flood of events
constexpr std::size_t kMostEvents = 64;               // a turn of the loop: a flood must not keep calls waiting
constexpr std::size_t kMostBlocks = 64;               // reported for a mount; more tell nothing new and would be kept
constexpr std::uint64_t kUnknownBlock = UINT64_MAX;

struct Findings {
    std::vector<MountRecord> vanished;
    std::vector<std::uint32_t> corrupted;
};

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
    mountTableChanged();  // since the mounts were adopted
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
    std::vector<MountRecord> records, unasked;
    std::erase_if(asked_, [this](std::uint32_t id) { return core_.registry.find(id) == nullptr; });
    for (const auto& [id, record] : core_.registry.mounts()) {
        if (core_.unmounting.contains(id)) continue;
        records.push_back(record);
        records.back().image.reset();  // not to be the last to let go of it, here
        if (asked_.insert(id).second && !record.corrupted) unasked.push_back(records.back());
    }
    if (records.empty()) co_return;
    looking_ = true;
    try {
        Work job{core_.workers, core_.loop, "", [this, &records, &unasked] {
                     return Findings{findVanished(core_.kernel, records), findCorrupted(core_.kernel, unasked)};
                 }};
        const Findings found = co_await job;
        // The event, with the block's number, may be on its way.
        if (!found.corrupted.empty()) {
            core_.loop.after(kCoalesce, [this, ids = found.corrupted] { reportUnknown(ids); });
        }
        for (const MountRecord& record : found.vanished) {
            MountRecord* known = core_.registry.find(record.id);
            if (known == nullptr || core_.unmounting.contains(record.id)) continue;
            const bool corrupted = known->corrupted;  // it may have been seen meanwhile
            auto image = std::exchange(known->image, nullptr);
            spdlog::warn("{} was unmounted from {} by somebody else{}", record.container(), record.mountPoint,
                         corrupted ? "; it was corrupted" : "");
            core_.registry.remove(record.id);
            cleanUp(record, std::move(image));
            core_.events.unmounted(record, corrupted ? "corruption" : "external");
        }
    } catch (const std::exception& error) {
        spdlog::error("Cannot look at the mount table: {}", error.what());
        for (const MountRecord& record : unasked) asked_.erase(record.id);
    }
    looking_ = false;
}

Detached Watches::cleanUp(MountRecord record, std::shared_ptr<const void> image) {
    ++cleaning_;
    bool released = false;
    {
        // Before whatever is asked for this container or mount point next.
        const Order::Keys keys{record.container(), record.mountPoint};
        const Order::Turn turn = co_await core_.order.enter("", keys);
        Work job{core_.workers, core_.loop, record.container(), [this, &record, &image] {
                     const bool gone = cleanUpAfterExternalUnmount(core_.kernel, core_.state, record);
                     image.reset();  // gives back its memory, which takes time
                     return gone;
                 }};
        released = co_await job;
    }
    if (!released) co_await awaitRelease(core_, record);
    --cleaning_;
}

void Watches::readCorruption() {
    const CorruptionEvents events = corruption_->read(kMostEvents);
    for (const Corruption& event : events.blocks) report(event);
    if (!events.lost || std::exchange(lost_, true)) return;
    core_.loop.after(kAfterLoss, [this] {
        lost_ = false;
        asked_.clear();
        mountTableChanged();
    });
}

void Watches::report(const Corruption& event) {
    std::erase_if(reported_, [this](const auto& entry) { return core_.registry.find(entry.first) == nullptr; });
    for (const MountRecord* found : core_.registry.findByDevice(event.device)) {
        if (found->verityUuid.empty()) continue;
        // An event that was read late may be of an earlier device of that number.
        const bool known = event.diskSequence != 0 && found->diskSequence != 0;
        if (known && event.diskSequence != found->diskSequence) continue;
        auto& blocks = reported_[found->id];
        if (blocks.size() > kMostBlocks || !blocks.insert(event.block).second) continue;
        MountRecord& record = *core_.registry.find(found->id);
        if (blocks.size() > kMostBlocks) {
            spdlog::error("{} on {} has more corrupted blocks, which are not reported", record.container(),
                          record.mountPoint);
            continue;
        }
        spdlog::error("{} on {} is corrupted: {} block {} of {} does not match its hash", record.container(),
                      record.mountPoint, event.metadata ? "hash" : "data", event.block, record.device);
        markCorrupted(record, event.block);
    }
}

// Events get lost: in a flood, and those of a mount that was not known yet.
void Watches::reportUnknown(const std::vector<std::uint32_t>& ids) {
    for (const std::uint32_t id : ids) {
        MountRecord* record = core_.registry.find(id);
        if (record == nullptr || record->corrupted) continue;
        spdlog::error("{} on {} is corrupted: a block whose number is not known does not match its hash",
                      record->container(), record->mountPoint);
        markCorrupted(*record, kUnknownBlock);
    }
}

void Watches::markCorrupted(MountRecord& record, std::uint64_t block) {
    if (!std::exchange(record.corrupted, true) && !core_.unmounting.contains(record.id)) {
        core_.workers.submit(record.container(), [&core = core_, copy = record] {
            try {
                core.state.save(copy);
            } catch (const Error& error) {
                spdlog::warn("{}", error.what());
            }
        });
    }
    core_.events.corrupted(record, block);
}

}  // namespace northstar::bus
