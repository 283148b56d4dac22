// SPDX-License-Identifier: Apache-2.0
// What somebody may have meant by a key that is not known.
#pragma once

#include <set>

#include "base/std.h"

namespace northstar {

// The known name that is nearest by characters added, left out, changed, or two swapped; empty if none is near: at most
// a third of its characters may be others.
[[nodiscard]] std::string nearestName(const std::string& name, const std::set<std::string>& known);

// What Northstar's own configuration (northstar.toml of the container runtime) calls this key, said as what to write
// here instead; empty for another key. `table`: "", or "repositories" for a key of a repository.
[[nodiscard]] std::string successorOfNorthstar(std::string_view table, std::string_view key);

}  // namespace northstar
