// SPDX-License-Identifier: Apache-2.0
// The running kernel: loop devices, device-mapper, mounts, the mount table, uevents.
#pragma once

#include "base/std.h"
#include "kernel/kernel.h"
#include "kernel/linux/calls.h"

namespace northstar {

struct LinuxKernelOptions {
    Calls loop = Calls::Newest;   // Old: before 5.8, LOOP_SET_FD and LOOP_SET_STATUS64
    Calls mount = Calls::Newest;  // Old: before 5.2, mount(2)
};

// The control devices are opened when they are first needed and stay open.
[[nodiscard]] std::unique_ptr<Kernel> makeLinuxKernel(const LinuxKernelOptions& options = {});

}  // namespace northstar
