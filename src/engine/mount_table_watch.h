// SPDX-License-Identifier: Apache-2.0
// Looks at the mount table when it has changed, for mounts that somebody else took down, and at the verity devices for
// corruption that no event told of. Bus thread only.
#pragma once

#include <stop_token>

#include "async/event_loop.h"
#include "async/pool.h"
#include "async/scope.h"
#include "async/task.h"
#include "base/std.h"
#include "engine/corruption_reports.h"
#include "engine/external_unmount.h"
#include "engine/observer.h"
#include "kernel/kernel.h"
#include "kernel/mount.h"
#include "registry/mount_record.h"
#include "registry/registry.h"

namespace northstar {

class MountTableWatch : public Observer {
public:
    // Watches until destroyed; what it does is in the scope. Looks once by itself.
    MountTableWatch(EventLoop& loop, Scope& scope, Pool& pool, Kernel& kernel, const Registry& registry,
                    ExternalUnmount& unmount, CorruptionReports& corruption, std::stop_token stopping);
    ~MountTableWatch() override;
    MountTableWatch(const MountTableWatch&) = delete;
    MountTableWatch& operator=(const MountTableWatch&) = delete;

    // One look for a burst of changes. Nothing after the service was told to stop.
    void lookSoon();

    // Its device may have found something before it was known here.
    void mounted(const MountRecord& record) override {
        if (!record.verityUuid.empty()) lookSoon();
    }
    // It was left out of the looks meanwhile.
    void unmountFailed(const MountRecord&) override { lookSoon(); }

private:
    enum class Phase { Idle, Due, Looking };
    Task<> lookWhileDue();
    Task<> look();

    EventLoop& loop_;
    Scope& scope_;
    Pool& pool_;
    Kernel& kernel_;
    const Registry& registry_;
    ExternalUnmount& unmount_;
    CorruptionReports& corruption_;
    std::stop_token stopping_;
    std::unique_ptr<MountWatch> watch_;
    Phase phase_ = Phase::Idle;
};

}  // namespace northstar
