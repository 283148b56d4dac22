// SPDX-License-Identifier: Apache-2.0
// The commands of northstarctl: what each does, once its arguments are known.
#pragma once

#include "cli/arguments.h"
#include "cli/failure.h"

namespace northstar::cli {

// Each prints its result. What keeps all of it from being done is thrown; what failed of several is told at once, and
// the first of those gives the status.
using Command = Exit (*)(const Arguments&);

Exit mount(const Arguments& arguments);
Exit unmount(const Arguments& arguments);
Exit replace(const Arguments& arguments);
Exit upgrade(const Arguments& arguments);
Exit list(const Arguments& arguments);
Exit show(const Arguments& arguments);
Exit containers(const Arguments& arguments);
Exit repositories(const Arguments& arguments);
Exit status(const Arguments& arguments);
Exit inspect(const Arguments& arguments);
Exit verify(const Arguments& arguments);
Exit install(const Arguments& arguments);
Exit uninstall(const Arguments& arguments);
Exit reload(const Arguments& arguments);
Exit monitor(const Arguments& arguments);
Exit checkSystem(const Arguments& arguments);

}  // namespace northstar::cli
