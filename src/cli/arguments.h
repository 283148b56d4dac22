// SPDX-License-Identifier: Apache-2.0
// What was asked for on the command line, decoded once.
#pragma once

#include "base/std.h"

namespace northstar::cli {

// Of all commands; each reads its own.
struct Arguments {
    std::string bus = "system";  // or "session", or a D-Bus address
    std::string host;            // [USER@]HOST; empty: this machine
    std::string color = "auto";  // or "always", "never"
    bool json = false, noAsk = false;
    bool completing = false;  // for completion: nobody waits for long

    std::vector<std::string> what;  // containers, mounts, packages
    std::string file, target, repository, verity, root;
    std::vector<std::string> keys, columns;
    bool noexec = false, allowUnverified = false, ensure = false, all = false, lazy = false, noLegend = false,
         once = false;
};

}  // namespace northstar::cli
