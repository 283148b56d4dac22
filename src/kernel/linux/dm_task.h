// SPDX-License-Identifier: Apache-2.0
// One device-mapper ioctl through libdevmapper, which is not thread-safe.
//
// libdevmapper would make nodes in /dev/mapper by itself for tasks that carry a device's name. Ours carry the
// UUID instead wherever a device exists already, so it never makes one; we use the kernel's own node,
// /dev/dm-<minor>.
#pragma once

#include <libdevmapper.h>

#include <mutex>

#include "base/std.h"

namespace northstar {

// Holds the process-wide lock while it exists: keep it short, never hold two in one thread.
class DmTask {
public:
    // `type`: DM_DEVICE_CREATE and so on. Throws Failed if there is no memory.
    explicit DmTask(int type);
    ~DmTask();
    DmTask(const DmTask&) = delete;
    DmTask& operator=(const DmTask&) = delete;

    void setName(const std::string& name);
    void setUuid(const std::string& uuid);
    void setTarget(std::uint64_t sectors, const char* type, const std::string& parameters);

    // 0 or an errno value (EPROTO if libdevmapper did not get as far as asking the kernel).
    [[nodiscard]] int run();

    [[nodiscard]] dm_task* get() const noexcept { return task_; }

private:
    std::unique_lock<std::mutex> lock_;
    dm_task* task_;
};

// Does the kernel have a device-mapper? To be asked before any task: without one libdevmapper would try to
// make the control device, and would believe for good that there is none.
[[nodiscard]] bool hasDeviceMapper();

}  // namespace northstar
