// SPDX-License-Identifier: Apache-2.0
// Corrupted blocks that the kernel found, told once each. Bus thread only.
#pragma once

#include <set>

#include "async/event_loop.h"
#include "async/pool.h"
#include "async/scope.h"
#include "async/task.h"
#include "base/std.h"
#include "engine/mount_lines.h"
#include "engine/mount_steps.h"
#include "engine/observer.h"
#include "kernel/device.h"
#include "registry/mount_record.h"
#include "registry/registry.h"

namespace northstar {

class CorruptionReports {
public:
    // Reports until destroyed; without a way to hear of corruption that is logged.
    CorruptionReports(EventLoop& loop, Scope& scope, Pool& pool, const MountSteps& steps, Registry& registry,
                      MountLines& lines, Observer& observer);
    ~CorruptionReports();
    CorruptionReports(const CorruptionReports&) = delete;
    CorruptionReports& operator=(const CorruptionReports&) = delete;

    // Runs some time after events were lost (a flood): all devices are to be asked again.
    void onLoss(std::function<void()> handler) { onLoss_ = std::move(handler); }

    // The mounts whose verity device has not been asked yet whether it found something that no event told of, now
    // taken as asked. Those that an unmount of ours is about are left out.
    [[nodiscard]] std::vector<MountRecord> takeUnasked();
    void askAgain(const std::vector<MountRecord>& mounts);
    // Devices that found something: told without the block's number, unless an event with it comes first.
    void reportUnnumberedLater(const std::vector<std::uint32_t>& mounts);

private:
    struct Known {
        bool asked = false;
        std::set<std::uint64_t> blocks{};  // reported ones, as many as are reported at most
    };
    void read();
    void report(const Corruption& event);
    void reportBlock(MountRecord& record, const Corruption& event);
    void mark(MountRecord& record, std::uint64_t block);
    Task<> save(MountRecord record);
    void forgetGone();

    EventLoop& loop_;
    Scope& scope_;
    Pool& pool_;
    const MountSteps& steps_;
    Registry& registry_;
    MountLines& lines_;
    Observer& observer_;
    std::unique_ptr<CorruptionWatch> watch_;
    std::map<std::uint32_t, Known> known_;  // by mount
    std::function<void()> onLoss_;
};

}  // namespace northstar
