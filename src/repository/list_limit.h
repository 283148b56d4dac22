// SPDX-License-Identifier: Apache-2.0
// How many containers all repositories may hold together, so that ListContainers fits into one message.
#pragma once

#include "base/std.h"
#include "repository/catalog.h"
#include "repository/repository.h"

namespace northstar {

// One takes 544 bytes at most (RepositoryContent::kMost): these fit into the 32 MiB that dbus-daemon passes on, which
// is less than D-Bus itself allows (64 MiB an array, 128 MiB a message).
inline constexpr std::size_t kMostListed = 60'000;

[[nodiscard]] std::size_t countContainers(const Catalog::Repositories& repositories);

// Refuses, with CapacityExceeded and one line in the log, what is more than `room`: the last ones by name.
void refuseBeyond(RepositoryContent& content, const std::string& repository, std::size_t room);

}  // namespace northstar
