// SPDX-License-Identifier: Apache-2.0
// Loop devices: the block device that shows the image inside a package file (loop(4), <linux/loop.h>).
#pragma once

#include <atomic>
#include <mutex>

#include "base/checked.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "kernel/device.h"
#include "kernel/linux/calls.h"

namespace northstar {

// Largest of 4096, 2048, 1024 and 512 bytes that divides offset and size; 512, a loop device's unit, if none does.
[[nodiscard]] unsigned loopBlockSize(Extent image) noexcept;

class LoopDevices {
public:
    // Old: LOOP_SET_FD and LOOP_SET_STATUS64 instead of LOOP_CONFIGURE (Linux 5.8).
    explicit LoopDevices(Calls calls) : old_{calls == Calls::Old} {}

    // See Kernel::attachLoop. Another process may take the free device first: then the next one is tried until the
    // deadline. Throws InvalidArgs, DeviceUnavailable (no loop driver, no more devices), Timeout, Failed.
    [[nodiscard]] std::unique_ptr<Device> attach(const LoopSpec& spec);

    // See Kernel::loopBacking. Opens the device for the moment.
    [[nodiscard]] static std::optional<LoopBacking> backing(const std::string& path);

    // Is the device free, or does it show something else by now? Asks sysfs, and the device only if
    // `thorough`: holding it open would keep it from being cleared for as long.
    [[nodiscard]] static bool released(const std::string& path, const LoopBacking& backing, bool thorough);

private:
    int control();
    std::unique_ptr<Device> attachToFree(const LoopSpec& spec, int& error);

    std::mutex mutex_;  // for the first opening of control_ only
    UniqueFd control_;
    std::atomic<bool> old_;
};

}  // namespace northstar
