// SPDX-License-Identifier: Apache-2.0
#include "engine/mount_table_watch.h"

#include <chrono>

#include "async/callback.h"
#include "async/event_loop.h"
#include "async/task.h"
#include "base/log.h"
#include "engine/recovery.h"
#include "kernel/kernel.h"
#include "registry/mount_record.h"

namespace northstar {
namespace {

constexpr std::chrono::milliseconds kCoalesce{50};  // one look for a burst of changes

struct Findings {
    std::vector<MountRecord> vanished;
    std::vector<std::uint32_t> corrupted;
};

}  // namespace

MountTableWatch::MountTableWatch(EventLoop& loop, Scope& scope, Pool& pool, Kernel& kernel, const Registry& registry,
                                 ExternalUnmount& unmount, CorruptionReports& corruption, std::stop_token stopping)
    : loop_{loop}, scope_{scope}, pool_{pool}, kernel_{kernel}, registry_{registry}, unmount_{unmount},
      corruption_{corruption}, stopping_{std::move(stopping)}, watch_{kernel.watchMounts()} {
    loop_.watch(watch_->fd(), [this] {
        watch_->drain();
        lookSoon();
    });
    corruption_.onLoss([this] { lookSoon(); });
    lookSoon();  // since the mounts were adopted
}

MountTableWatch::~MountTableWatch() {
    corruption_.onLoss({});
    loop_.unwatch(watch_->fd());
}

void MountTableWatch::lookSoon() {
    if (stopping_.stop_requested()) return;
    if (std::exchange(phase_, Phase::Due) == Phase::Idle) scope_.spawn(lookWhileDue());
}

Task<> MountTableWatch::lookWhileDue() {
    while (phase_ == Phase::Due) {
        co_await sleep(loop_, kCoalesce);
        phase_ = Phase::Looking;  // what changes from now on is seen by the next look
        if (!stopping_.stop_requested()) co_await look();
    }
    phase_ = Phase::Idle;
}

Task<> MountTableWatch::look() {
    std::vector<MountRecord> records;
    for (const auto& [id, record] : registry_.mounts()) {
        if (!registry_.isLeaving(id)) records.push_back(record);
    }
    const std::vector<MountRecord> unasked = corruption_.takeUnasked();
    if (records.empty()) co_return;
    try {
        const Findings found = co_await pool_.run(
            [&] { return Findings{findVanished(kernel_, records), findCorrupted(kernel_, unasked)}; });
        corruption_.reportUnnumberedLater(found.corrupted);
        for (const MountRecord& record : found.vanished) {
            if (registry_.find(record.id) == nullptr || registry_.isLeaving(record.id)) continue;
            unmount_.takeOut(record.id);
        }
    } catch (const std::exception& error) {
        log::error("Cannot look at the mount table: {}", error.what());
        corruption_.askAgain(unasked);
    }
}

}  // namespace northstar
