// SPDX-License-Identifier: Apache-2.0
// Names that nobody else has and nobody can guess.
#pragma once

#include "base/std.h"

namespace northstar {

// 128 random bits (getrandom(2)) as 32 hexadecimal digits. Throws Failed. Any thread.
[[nodiscard]] std::string randomHex();

}  // namespace northstar
