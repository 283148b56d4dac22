// SPDX-License-Identifier: Apache-2.0
// Signals of the service as northstarctl shows them.
#pragma once

#include "base/std.h"
#include "cli/client.h"

namespace northstar::cli {

// Never throws: what cannot be read is told in the member "error".
[[nodiscard]] Event eventOf(sdbus::Message& message);

// "Mounted hello:1.0.0 /run/northstar/hello:1.0.0": the name and its values, for people.
[[nodiscard]] std::string lineOf(const Event& event);

}  // namespace northstar::cli
