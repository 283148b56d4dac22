// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel_watch.h"

#include <chrono>

#include "async/callback.h"
#include "base/error.h"
#include "base/log.h"
#include "engine/mount_lines.h"
#include "engine/recovery.h"
#include "kernel/kernel.h"

namespace northstar {
namespace {

constexpr std::chrono::milliseconds kCoalesce{50};     // one look for a burst of changes
constexpr std::chrono::milliseconds kForItsEvent{50};  // an event may be on its way while the device is asked
constexpr std::chrono::milliseconds kAfterLoss{500};   // one round of questions to all devices for a flood of events
constexpr std::chrono::milliseconds kRetry{1000};      // after a look that failed
constexpr std::size_t kMostEvents = 64;                // a turn of the loop: a flood must not keep calls waiting
constexpr std::size_t kMostBlocks = 64;                // reported for a mount; more tell nothing new and would be kept
constexpr std::uint64_t kUnknownBlock = UINT64_MAX;

struct Findings {
    TableChanges table;
    std::vector<std::uint32_t> corrupted;
};

std::unique_ptr<CorruptionWatch> watchCorruption(Kernel& kernel) {
    try {
        return kernel.watchCorruption();
    } catch (const Error& error) {
        log::warn("Corruption will not be reported: {}", error.what());
        return nullptr;
    }
}

}  // namespace

KernelWatch::KernelWatch(World& world, Runtime& runtime, ExternalChanges& external)
    : world_{world}, runtime_{runtime}, external_{external}, corruption_{watchCorruption(runtime.steps.kernel())},
      mounts_{runtime.steps.kernel().watchMounts()} {
    if (corruption_) runtime_.loop.watch(corruption_->fd(), [this] { readCorruption(); });
    runtime_.loop.watch(mounts_->fd(), [this] {
        mounts_->drain();
        lookSoon();
        world_.observers.mountTableChanged();
    });
    world_.observers.add(*this);
    lookSoon();  // since the mounts were adopted
}

KernelWatch::~KernelWatch() {
    world_.observers.remove(*this);
    runtime_.loop.unwatch(mounts_->fd());
    if (corruption_) runtime_.loop.unwatch(corruption_->fd());
}

void KernelWatch::lookSoon() {
    if (runtime_.stopping.stop_requested()) return;
    if (std::exchange(phase_, Phase::Due) == Phase::Idle) runtime_.scope.spawn(lookWhileDue());
}

Task<> KernelWatch::lookWhileDue() {
    while (phase_ == Phase::Due) {
        co_await sleep(runtime_.loop, kCoalesce);
        phase_ = Phase::Looking;  // what changes from now on is seen by the next look
        if (!runtime_.stopping.stop_requested()) co_await look();
    }
    phase_ = Phase::Idle;
}

Task<> KernelWatch::look() {
    std::vector<MountRecord> records;
    for (const auto& [id, record] : world_.registry.mounts()) {
        if (!world_.registry.isLeaving(id)) records.push_back(record);
    }
    const std::vector<MountRecord> unasked = takeUnasked();
    if (records.empty()) co_return;
    try {
        const Findings found = co_await runtime_.pools.mounts.run([&] {
            return Findings{findChanges(runtime_.steps.kernel(), records),
                            findCorrupted(runtime_.steps.kernel(), unasked)};
        });
        reportUnnumberedLater(found.corrupted);
        external_.follow(found.table.moved);
        for (const MountRecord& record : found.table.vanished) runtime_.scope.spawn(external_.takeOutInTurn(record));
        co_return;
    } catch (const std::exception& error) {
        log::error("Cannot look at the mount table, which is tried again: {}", error.what());
        for (const MountRecord& record : unasked) known_[record.id].asked = false;
    }
    co_await sleep(runtime_.loop, kRetry);
    phase_ = Phase::Due;
}

std::vector<MountRecord> KernelWatch::takeUnasked() {
    forgetGone();
    std::vector<MountRecord> unasked;
    for (const auto& [id, record] : world_.registry.mounts()) {
        if (world_.registry.isLeaving(id)) continue;
        if (!std::exchange(known_[id].asked, true) && !record.corrupted) unasked.push_back(record);
    }
    return unasked;
}

void KernelWatch::readCorruption() {
    const CorruptionEvents events = corruption_->read(kMostEvents);
    for (const Corruption& event : events.blocks) report(event);
    // While this waits, more that is lost changes nothing.
    if (!events.lost || std::exchange(lossNoted_, true)) return;
    runtime_.loop.after(kAfterLoss, [this] {
        lossNoted_ = false;
        for (auto& [id, known] : known_) known.asked = false;
        lookSoon();
    });
}

void KernelWatch::report(const Corruption& event) {
    forgetGone();
    for (const MountRecord* found : world_.registry.findByDevice(event.device)) {
        if (found->verityUuid.empty()) continue;
        // An event that was read late may be of an earlier device of that number.
        const bool numbered = event.diskSequence != 0 && found->diskSequence != 0;
        if (numbered && event.diskSequence != found->diskSequence) continue;
        reportBlock(*world_.registry.find(found->id), event);
    }
}

void KernelWatch::reportBlock(MountRecord& record, const Corruption& event) {
    auto& blocks = known_[record.id].blocks;
    if (blocks.size() > kMostBlocks || !blocks.insert(event.block).second) return;
    if (blocks.size() > kMostBlocks) {
        log::error("{} on {} has more corrupted blocks, which are not reported", record.container(), record.mountPoint);
        return;
    }
    log::error("{} on {} is corrupted: {} block {} of {} does not match its hash", record.container(),
               record.mountPoint, event.metadata ? "hash" : "data", event.block, record.device);
    mark(record, event.block);
}

void KernelWatch::reportUnnumberedLater(const std::vector<std::uint32_t>& mounts) {
    if (mounts.empty()) return;
    runtime_.loop.after(kForItsEvent, [this, mounts] {
        for (const std::uint32_t id : mounts) {
            MountRecord* record = world_.registry.find(id);
            if (record == nullptr || record->corrupted) continue;
            log::error("{} on {} is corrupted: a block whose number is not known does not match its hash",
                       record->container(), record->mountPoint);
            mark(*record, kUnknownBlock);
        }
    });
}

void KernelWatch::mark(MountRecord& record, std::uint64_t block) {
    if (!std::exchange(record.corrupted, true) && !world_.registry.isLeaving(record.id))
        runtime_.scope.spawn(save(record));
    world_.observers.corrupted(record, block);
}

// In its turn: an unmount removes what is saved.
Task<> KernelWatch::save(MountRecord record) {
    const MountKeys keys{record.containerName(), record.mountPoint};
    const auto turn = co_await runtime_.lines.enterCommon(keys);
    if (world_.registry.find(record.id) == nullptr) co_return;
    try {
        co_await runtime_.pools.mounts.run([&] { runtime_.steps.state().save(record); });
    } catch (const Error& error) {
        log::warn("{}", error.what());
    }
}

void KernelWatch::forgetGone() {
    std::erase_if(known_, [this](const auto& entry) { return world_.registry.find(entry.first) == nullptr; });
}

}  // namespace northstar
