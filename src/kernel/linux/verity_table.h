// SPDX-License-Identifier: Apache-2.0
// The parameters of a dm-verity target (kernel: Documentation/admin-guide/device-mapper/verity.rst).
#pragma once

#include <sys/types.h>

#include "base/std.h"
#include "kernel/device.h"

namespace northstar {

// Parameters of the table line for one device that holds both data and tree.
[[nodiscard]] std::string verityParameters(const VerityTable& table, dev_t device);

// Length of the verity device in sectors of 512 bytes. Throws InvalidArgs if the table cannot be: no data, a
// block size that is no power of two between 512 and 4096, or numbers that overflow.
[[nodiscard]] std::uint64_t veritySectors(const VerityTable& table);

}  // namespace northstar
