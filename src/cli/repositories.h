// SPDX-License-Identifier: Apache-2.0
// Repositories as rows, and the files in them that are not listed.
#pragma once

#include "base/std.h"
#include "cli/client.h"
#include "cli/output.h"

namespace northstar::cli {

// A row for each repository, by name: name, type, verified, used, capacity, max_containers, directory, keys,
// containers, and what else the service tells.
[[nodiscard]] Json repositoryRows(const State& state);

// A row for each file that was refused: repository, file, error, message. nullopt if the service does not tell.
[[nodiscard]] std::optional<Json> refusedFiles(const State& state);

}  // namespace northstar::cli
