// SPDX-License-Identifier: Apache-2.0
// Has the kernel dm-verity? As far as is known: a module may be loaded or go at any time, and the kernel tells nobody.
// Bus thread only.
#pragma once

#include "async/pool.h"
#include "async/task.h"
#include "engine/observer.h"
#include "kernel/kernel.h"

namespace northstar {

class VerityAvailability {
public:
    // Asks the kernel at once.
    VerityAvailability(Kernel& kernel, Pool& pool, Observer& observer)
        : kernel_{kernel}, pool_{pool}, observer_{observer}, available_{kernel.verityAvailable()} {}

    [[nodiscard]] bool available() const noexcept { return available_; }
    // What was seen by the way.
    void set(bool available);
    // Asks again, after something that hints at a change. Never throws.
    Task<> refresh();

private:
    Kernel& kernel_;
    Pool& pool_;
    Observer& observer_;
    bool available_;
};

}  // namespace northstar
