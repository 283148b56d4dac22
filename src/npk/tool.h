// SPDX-License-Identifier: Apache-2.0
// Programs of others that do a part of the work, as processes: mksquashfs, unsquashfs, mkfs.erofs, fsck.erofs.
#pragma once

#include <stop_token>

#include "base/std.h"
#include "npk/confinement.h"

namespace northstar::npk {

struct Tool {
    std::vector<std::string> arguments;  // the program's name first, which is looked up in PATH
    std::string package;                 // what to install if it is not there
    int directory = -1;                  // opened; where it runs; without: here
    const Confinement* confinement = nullptr;
    std::vector<std::string> environment = {};                // "NAME=VALUE", besides ours
    std::function<void(std::string_view piece)> output = {};  // of its standard output; may throw; without: dropped
    std::function<void()> tick = {};                          // called about ten times a second; must not throw
    std::stop_token stop = {};
};

struct ToolResult {
    int status = 0;      // exit status, or 128 + the signal that ended it
    std::string errors;  // the beginning of what it said on standard error, 16 KiB at most
};

// Runs it to its end, with nothing on its standard input, and in the C locale. Throws Failed if it cannot be started or
// the run was stopped; it is ended then.
[[nodiscard]] ToolResult runTool(const Tool& tool);

// The first line of what it complained of, for a message: "mksquashfs failed: ...".
[[nodiscard]] std::string complaint(const Tool& tool, const ToolResult& result);

}  // namespace northstar::npk
