// SPDX-License-Identifier: Apache-2.0
// The command line: its commands and options, in one place, for parsing, for --help and for completion.
#pragma once

#include <CLI/CLI.hpp>

#include "base/std.h"
#include "cli/arguments.h"
#include "cli/commands.h"

namespace northstar::cli {

// What the words of a command are, for completion.
enum class Words { None, Containers, Mounts, Packages, InRepository, Commands };

struct CommandSpec {
    const char* name;
    const char* words;  // as the usage shows them
    const char* summary;
    Command run;
    Words kind;
    std::vector<const char*> examples;  // without the program's name
};

[[nodiscard]] const std::vector<CommandSpec>& commands();
[[nodiscard]] const CommandSpec* findCommand(std::string_view name);

// Adds the options of a command, other than those of all.
void addOptions(CLI::App& to, std::string_view command, Arguments& arguments);

class CommandLine {
public:
    CommandLine();

    // Throws CLI::ParseError for help and version, a usage error for what cannot be.
    void parse(const std::vector<std::string>& words);

    CLI::App app;
    Arguments arguments;
    Command command = nullptr;  // nullptr after parse(): `help`, about `arguments.what`

private:
    void add(const CommandSpec& spec);
};

// The command among these words, options and their values left out; its number, or words.size().
[[nodiscard]] std::size_t commandAt(const std::vector<std::string>& words);

// One screen about a command, or about all if it is empty. Throws a usage error for one that is not known.
[[nodiscard]] std::string helpAbout(const std::string& command, const CLI::App& app);

}  // namespace northstar::cli
