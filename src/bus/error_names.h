// SPDX-License-Identifier: Apache-2.0
// The one place where error codes become D-Bus error names.
#pragma once

#include "base/error.h"
#include "base/std.h"
#include "sdbus/compat.h"

namespace northstar::bus {

[[nodiscard]] std::string errorName(Code code);

// What is answered for an exception: northstar::Error by its code, anything else as Failed.
[[nodiscard]] sdbus::Error toBusError(const std::exception_ptr& error);

}  // namespace northstar::bus
