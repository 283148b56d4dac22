// SPDX-License-Identifier: Apache-2.0
// `mount --ensure`: is it mounted already, as it was asked for?
#pragma once

#include "base/std.h"
#include "cli/arguments.h"
#include "cli/client.h"

namespace northstar::cli {

// The mount of this container or package at the place where it would be mounted now: from the same repository, with the
// same content where that is known, and with the same noexec where this machine can tell. Otherwise nullopt. Throws
// what keeps it from being known, as NoSuchContainer.
[[nodiscard]] std::optional<Mounted> mountedSo(Client& client, const std::string& what, const Arguments& arguments);

}  // namespace northstar::cli
