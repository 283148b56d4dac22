// SPDX-License-Identifier: Apache-2.0
// The commands of northstarctl: what each does, once its arguments are known.
#pragma once

#include "base/std.h"

namespace northstar::cli {

// Of all commands; each reads its own.
struct Arguments {
    std::string bus = "system";
    std::string what;  // a container, a mount or a package
    std::string file, fd, target, repository, verity;
    bool noAsk = false, noexec = false, allowUnverified = false, all = false, lazy = false, json = false;
};

// Each prints its result, and throws what went wrong.
using Command = void (*)(const Arguments&);

// What the service or the bus refused is thrown with its message alone.
void run(Command command, const Arguments& arguments);

void mount(const Arguments& arguments);
void unmount(const Arguments& arguments);
void list(const Arguments& arguments);
void containers(const Arguments& arguments);
void inspect(const Arguments& arguments);
void monitor(const Arguments& arguments);
void repositories(const Arguments& arguments);
void install(const Arguments& arguments);
void uninstall(const Arguments& arguments);
void verify(const Arguments& arguments);
void reload(const Arguments& arguments);

}  // namespace northstar::cli
