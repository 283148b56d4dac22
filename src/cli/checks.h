// SPDX-License-Identifier: Apache-2.0
// What check-system looks for.
#pragma once

#include "base/std.h"
#include "cli/arguments.h"
#include "cli/system.h"

namespace northstar::cli {

struct Check {
    enum class State { Ok, Lacks, Unknown };

    std::string name;
    State state = State::Unknown;
    bool required = false;  // without it no mount can work
    std::string found;      // what there is, or is not
    std::string mend;       // of a lack: the option, package or command
};

// needsVerity: is there a configured source of packages that dm-verity has to check?
[[nodiscard]] std::vector<Check> kernelChecks(const System& system, bool needsVerity);

struct Installation {
    std::vector<Check> checks;
    bool needsVerity = true;
};
// What `meson install` and the administrator put there, and the bus of this system.
[[nodiscard]] Installation installationChecks(const System& system, const Arguments& arguments);

}  // namespace northstar::cli
