// SPDX-License-Identifier: Apache-2.0
// The commands of northstarctl.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace northstar::cli {

struct Session {
    std::string bus = "system";
    bool noAsk = false;
    std::function<void()> command;  // set by parsing, run by main() afterwards; throws what went wrong
};

// session must outlive app and command.
void addCommands(CLI::App& app, Session& session);

}  // namespace northstar::cli
