// SPDX-License-Identifier: Apache-2.0
// Paths that callers give.
#pragma once

#include "base/std.h"

namespace northstar {

// An absolute path without "//", "/." and a slash at its end. `what` begins the message. Throws InvalidArgs for "..", a
// relative path, "/", one with controls, or what is longer than PATH_MAX or NAME_MAX (limits.h) allow.
[[nodiscard]] std::string normalPath(const std::string& path, const std::string& what);

}  // namespace northstar
