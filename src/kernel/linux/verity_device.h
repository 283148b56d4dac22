// SPDX-License-Identifier: Apache-2.0
// dm-verity devices: block devices whose every block is checked against a root hash when it is read.
#pragma once

#include <sys/types.h>

#include <atomic>

#include "base/std.h"
#include "kernel/device.h"

namespace northstar {

class VerityDevices {
public:
    // See Kernel::verityAvailable. Loads the module if it can. Only "yes" is remembered.
    [[nodiscard]] bool available();

    // See Kernel::openVerity. Throws Unsupported, Corrupted, InvalidArgs, Failed.
    [[nodiscard]] std::unique_ptr<Device> open(const Device& data, const VerityTable& table);

    // Removes the device with this UUID and number, unless it is in use. True if it is gone, node and all.
    [[nodiscard]] static bool remove(const std::string& uuid, dev_t device);

    // See Kernel::verityUuid.
    [[nodiscard]] static std::string uuid(dev_t device);

    // See Kernel::isCorrupted.
    [[nodiscard]] static bool isCorrupted(const std::string& uuid);

    // See Kernel::removeStaleDevices. Not while open() runs in another thread: a device that is being made is unused.
    static std::size_t removeStale(const std::vector<std::string>& keep);

private:
    std::atomic<bool> available_ = false;
};

}  // namespace northstar
