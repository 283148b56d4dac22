// SPDX-License-Identifier: Apache-2.0
// What the kernel tells of mounts. Those that somebody else took down or moved are looked for in the mount table when
// it has changed. Corrupted blocks come as events, and verity devices are asked for those that no event told of. Bus
// thread only.
#pragma once

#include <set>

#include "async/task.h"
#include "base/std.h"
#include "engine/external_change.h"
#include "engine/observer.h"
#include "engine/world.h"
#include "kernel/device.h"
#include "kernel/mount.h"
#include "registry/mount_record.h"

namespace northstar {

class KernelWatch : public Observer {
public:
    // Watches until destroyed; what it does is in the scope. Looks once by itself. Without a way to hear of corruption
    // that is logged.
    KernelWatch(World& world, Runtime& runtime, ExternalChanges& external);
    ~KernelWatch() override;
    KernelWatch(const KernelWatch&) = delete;
    KernelWatch& operator=(const KernelWatch&) = delete;

    // Somebody may have unmounted it, or its device have found something, before it was known here.
    void mounted(const MountRecord&) override { lookSoon(); }
    // It was left out of the looks meanwhile.
    void unmountFailed(const MountRecord&) override { lookSoon(); }

private:
    enum class Phase { Idle, Due, Looking };
    struct Known {
        bool asked = false;                // its device, whether it found something that no event told of
        std::set<std::uint64_t> blocks{};  // reported ones, as many as are reported at most
    };

    // One look for a burst of changes. Nothing after the service was told to stop.
    void lookSoon();
    Task<> lookWhileDue();
    Task<> look();
    // The mounts whose verity device has not been asked yet, now taken as asked. Those that an unmount of ours is about
    // are left out.
    [[nodiscard]] std::vector<MountRecord> takeUnasked();

    // Each block is told once.
    void readCorruption();
    void report(const Corruption& event);
    void reportBlock(MountRecord& record, const Corruption& event);
    // Devices that found something: told without the block's number, unless an event with it comes first.
    void reportUnnumberedLater(const std::vector<std::uint32_t>& mounts);
    void mark(MountRecord& record, std::uint64_t block);
    Task<> save(MountRecord record);
    void forgetGone();

    World& world_;
    Runtime& runtime_;
    ExternalChanges& external_;
    std::unique_ptr<CorruptionWatch> corruption_;
    std::unique_ptr<MountWatch> mounts_;
    Phase phase_ = Phase::Idle;
    std::map<std::uint32_t, Known> known_;  // by mount
    bool lossNoted_ = false;                // events were lost (a flood): all devices are asked again soon
};

}  // namespace northstar
