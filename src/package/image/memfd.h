// SPDX-License-Identifier: Apache-2.0
// Files in memory that can be sealed: memfd_create(2).
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"

namespace northstar {

// An empty one, close-on-exec, that can be sealed and never executed (on kernels that know the latter). `name` is
// what /proc shows. Throws CapacityExceeded, Failed.
[[nodiscard]] UniqueFd makeMemfd(const char* name);

// Seals it against writing, growing, shrinking and further seals, for ever. Throws Failed.
void sealMemfd(int fd);

// Is the descriptor a memfd whose content can never change again?
[[nodiscard]] bool isSealed(int fd);

// CapacityExceeded if the error says that there is no room, else Failed.
[[nodiscard]] Code codeForWrite(int error) noexcept;

}  // namespace northstar
