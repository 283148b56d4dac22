// SPDX-License-Identifier: Apache-2.0
// Mounting in two steps: a mount that is at no path, then putting it at one (fsopen(2), fsmount(2),
// move_mount(2)).
#pragma once

#include <atomic>

#include "base/std.h"
#include "kernel/device.h"
#include "kernel/linux/calls.h"
#include "kernel/mount.h"

namespace northstar {

class Mounter {
public:
    // Old: mount(2), as on kernels before 5.2.
    explicit Mounter(Calls calls) : old_{calls == Calls::Old} {}

    // See Kernel::mountDetached. Throws Unsupported, Corrupted, InvalidArgs, Failed.
    [[nodiscard]] std::unique_ptr<DetachedMount> mount(const Device& source, const MountOptions& options);

private:
    std::atomic<bool> old_;
};

}  // namespace northstar
