// SPDX-License-Identifier: Apache-2.0
// Small files of sysfs and procfs. Reading a device's attribute neither opens the device nor keeps it alive.
#pragma once

#include <sys/types.h>

#include "base/std.h"

namespace northstar {

// First line of a small file, without the newline; nullopt if it cannot be read (device gone, attribute
// unknown).
[[nodiscard]] std::optional<std::string> readLine(const std::string& path);

// "/sys/dev/block/<major>:<minor>"
[[nodiscard]] std::string sysfsPath(dev_t device);

}  // namespace northstar
