// SPDX-License-Identifier: Apache-2.0
// Memory repositories: each package lies whole in a sealed memfd.
#pragma once

#include "base/std.h"
#include "package/keys.h"
#include "package/package.h"
#include "repository/repository.h"

namespace northstar {

// The entry of a package that lies in a sealed memfd, and whose blocks were all checked if it is verified.
// Throws Failed.
[[nodiscard]] RepositoryEntry memoryEntry(std::shared_ptr<const Package> package);

// What a memory repository holds, looked at again because its keys are others now. What they accept stays, in the
// memory that it lies in; the rest is logged and refused by its container's name, and its memory is given back.
// Blocks. Throws Failed.
[[nodiscard]] RepositoryContent checkMemoryAgain(const std::string& repository, const KeyRing& keys,
                                                 const RepositoryContent& previous);

}  // namespace northstar
