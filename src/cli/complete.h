// SPDX-License-Identifier: Apache-2.0
// Completion for the shells. Their scripts in completions/ hand over the words and offer what comes back.
#pragma once

#include "base/std.h"

namespace northstar::cli {

// First word of the command line of completion; no command for people.
inline constexpr const char* kComplete = "__complete";

// The last of these words is the one to be completed, it may be empty. Prints "WORD<tab>WHAT IT IS" for each that it
// may become, and ":files" or ":directories" where the shell has to offer those. Asks the service of the same bus as
// the words say, for three seconds at most and without asking anybody for a password. Returns an exit status.
int complete(const std::vector<std::string>& words);

}  // namespace northstar::cli
