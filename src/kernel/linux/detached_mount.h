// SPDX-License-Identifier: Apache-2.0
// Mounting in two steps: a mount that is at no path, then putting it at one (fsopen(2), fsmount(2),
// move_mount(2)).
#pragma once

#include <atomic>
#include <memory>

#include "kernel/kernel.h"

namespace northstar {

class Mounter {
public:
    // `forceOld`: mount(2) instead, as on kernels before 5.2.
    explicit Mounter(bool forceOld) : old_{forceOld} {}

    // See Kernel::mountDetached. Throws Unsupported, Corrupted, InvalidArgs, Failed.
    [[nodiscard]] std::unique_ptr<DetachedMount> mount(const Device& source, const MountOptions& options);

private:
    std::atomic<bool> old_;
};

}  // namespace northstar
