// SPDX-License-Identifier: Apache-2.0
// dm-verity devices: block devices whose every block is checked against a root hash when it is read.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kernel/kernel.h"

namespace northstar {

class VerityDevices {
public:
    // See Kernel::verityAvailable. Loads the module if it can. Only "yes" is remembered.
    [[nodiscard]] bool available();

    // See Kernel::openVerity. Throws Unsupported, Corrupted, InvalidArgs, Failed.
    [[nodiscard]] std::unique_ptr<Device> open(const Device& data, const VerityTable& table);

    // Removes the device with this UUID, unless it is in use. True if it is gone, node and all.
    [[nodiscard]] bool remove(const std::string& uuid);

    // See Kernel::verityUuid.
    [[nodiscard]] std::string uuid(dev_t device);

    // See Kernel::removeStaleDevices. Not while open() runs in another thread: a device that is being made is
    // unused.
    std::size_t removeStale(const std::vector<std::string>& keep);

private:
    void remember(const std::string& uuid, dev_t device);
    [[nodiscard]] bool nodeGone(const std::string& uuid);

    std::atomic<bool> available_ = false;
    std::mutex mutex_;
    std::map<std::string, dev_t> numbers_;  // of the devices that were opened or asked for, until removed
};

}  // namespace northstar
