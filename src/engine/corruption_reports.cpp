// SPDX-License-Identifier: Apache-2.0
#include "engine/corruption_reports.h"

#include <chrono>

#include "async/event_loop.h"
#include "async/task.h"
#include "base/error.h"
#include "base/log.h"
#include "kernel/device.h"
#include "registry/mount_record.h"

namespace northstar {
namespace {

constexpr std::chrono::milliseconds kForItsEvent{50};  // an event may be on its way while the device is asked
constexpr std::chrono::milliseconds kAfterLoss{500};   // one round of questions to all devices for a flood of events
constexpr std::size_t kMostEvents = 64;                // a turn of the loop: a flood must not keep calls waiting
constexpr std::size_t kMostBlocks = 64;                // reported for a mount; more tell nothing new and would be kept
constexpr std::uint64_t kUnknownBlock = UINT64_MAX;

}  // namespace

CorruptionReports::CorruptionReports(EventLoop& loop, Scope& scope, Pool& pool, const MountSteps& steps,
                                     Registry& registry, MountLines& lines, Observer& observer)
    : loop_{loop}, scope_{scope}, pool_{pool}, steps_{steps}, registry_{registry}, lines_{lines}, observer_{observer} {
    try {
        watch_ = steps.kernel().watchCorruption();
        loop_.watch(watch_->fd(), [this] { read(); });
    } catch (const Error& error) {
        log::warn("Corruption will not be reported: {}", error.what());
    }
}

CorruptionReports::~CorruptionReports() {
    if (watch_) loop_.unwatch(watch_->fd());
}

void CorruptionReports::forgetGone() {
    std::erase_if(known_, [this](const auto& entry) { return registry_.find(entry.first) == nullptr; });
}

std::vector<MountRecord> CorruptionReports::takeUnasked() {
    forgetGone();
    std::vector<MountRecord> unasked;
    for (const auto& [id, record] : registry_.mounts()) {
        if (registry_.isLeaving(id)) continue;
        if (!std::exchange(known_[id].asked, true) && !record.corrupted) unasked.push_back(record);
    }
    return unasked;
}

void CorruptionReports::askAgain(const std::vector<MountRecord>& mounts) {
    for (const MountRecord& record : mounts) known_[record.id].asked = false;
}

void CorruptionReports::reportUnnumberedLater(const std::vector<std::uint32_t>& mounts) {
    if (mounts.empty()) return;
    loop_.after(kForItsEvent, [this, mounts] {
        for (const std::uint32_t id : mounts) {
            MountRecord* record = registry_.find(id);
            if (record == nullptr || record->corrupted) continue;
            log::error("{} on {} is corrupted: a block whose number is not known does not match its hash",
                       record->container(), record->mountPoint);
            mark(*record, kUnknownBlock);
        }
    });
}

void CorruptionReports::read() {
    const CorruptionEvents events = watch_->read(kMostEvents);
    for (const Corruption& event : events.blocks) report(event);
    if (!events.lost || !onLoss_) return;
    // While this waits, more that is lost changes nothing.
    loop_.after(kAfterLoss, [this, handler = std::exchange(onLoss_, nullptr)] {
        onLoss_ = handler;
        for (auto& [id, known] : known_) known.asked = false;
        handler();
    });
}

void CorruptionReports::report(const Corruption& event) {
    forgetGone();
    for (const MountRecord* found : registry_.findByDevice(event.device)) {
        if (found->verityUuid.empty()) continue;
        // An event that was read late may be of an earlier device of that number.
        const bool numbered = event.diskSequence != 0 && found->diskSequence != 0;
        if (numbered && event.diskSequence != found->diskSequence) continue;
        reportBlock(*registry_.find(found->id), event);
    }
}

void CorruptionReports::reportBlock(MountRecord& record, const Corruption& event) {
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

void CorruptionReports::mark(MountRecord& record, std::uint64_t block) {
    if (!std::exchange(record.corrupted, true) && !registry_.isLeaving(record.id)) scope_.spawn(save(record));
    observer_.corrupted(record, block);
}

// In its turn: an unmount removes what is saved.
Task<> CorruptionReports::save(MountRecord record) {
    MountKeys keys;
    keys.add(record.containerName(), record.mountPoint);
    const auto turn = co_await lines_.enterCommon(keys);
    if (registry_.find(record.id) == nullptr) co_return;
    try {
        co_await pool_.run([&] { steps_.state().save(record); });
    } catch (const Error& error) {
        log::warn("{}", error.what());
    }
}

}  // namespace northstar
