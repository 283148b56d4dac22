// SPDX-License-Identifier: Apache-2.0
// What is said to the device-mapper: one ioctl through libdevmapper, which is not thread-safe, and the table of a
// verity device.
//
// libdevmapper would make nodes in /dev/mapper by itself for tasks that carry a device's name. Ours carry the UUID
// instead wherever a device exists already, so it never makes one; we use the kernel's own node, /dev/dm-<minor>.
#pragma once

#include <libdevmapper.h>
#include <sys/types.h>

#include <mutex>

#include "base/std.h"
#include "kernel/device.h"

namespace northstar {

// Holds the process-wide lock while it exists: keep it short, never hold two in one thread.
class DmTask {
public:
    // `type`: DM_DEVICE_CREATE and so on. Throws Failed if there is no memory.
    explicit DmTask(int type);
    DmTask(int type, const std::string& uuid) : DmTask{type} { setUuid(uuid); }
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

// Parameters of a dm-verity target (kernel: Documentation/admin-guide/device-mapper/verity.rst) for one device that
// holds both data and tree.
[[nodiscard]] std::string verityParameters(const VerityTable& table, dev_t device);

// Length of the verity device in sectors of 512 bytes. Throws InvalidArgs if the table cannot be: no data, a
// block size that is no power of two between 512 and 4096, or numbers that overflow.
[[nodiscard]] std::uint64_t veritySectors(const VerityTable& table);

}  // namespace northstar
