// SPDX-License-Identifier: Apache-2.0
// The commands of northstarctl.
#pragma once

#include <CLI/CLI.hpp>

#include "base/std.h"
#include "base/unique_fd.h"

namespace northstar::cli {

struct Session {
    std::string bus = "system";
    bool noAsk = false;
    std::function<void()> command;  // set by parsing, run by main() afterwards; throws what went wrong
};

// session must outlive app and command.
void addCommands(CLI::App& app, Session& session);

// commands_repository.cpp: repositories, install, uninstall, verify, reload. Called by the above.
void addRepositoryCommands(CLI::App& app, Session& session);

// A package by its path, opened with the caller's rights and without waiting for anything. Throws Failed.
[[nodiscard]] UniqueFd openPackage(const std::string& path);

}  // namespace northstar::cli
