// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/version.h"
#include "cli/failure.h"
#include "cli/text.h"

namespace northstar::cli {
namespace {

// Of all commands, those with a value: what follows them is no command.
constexpr std::array<std::string_view, 4> kWithValue{"--bus", "-H", "--host", "--color"};

std::string unknownCommand(const std::string& word) {
    // Of two that are as near, the longer: a letter is left out sooner than typed for nothing.
    const auto nearest = std::ranges::min_element(commands(), {}, [&](const CommandSpec& spec) {
        const std::string_view name = spec.name;
        return std::pair{distance(word, name), -static_cast<std::ptrdiff_t>(name.size())};
    });
    const std::string text = "there is no command " + printable(word);
    if (distance(word, nearest->name) > 1 + word.size() / 2) return text + "; `northstarctl help` lists them all";
    return fmt::format("{}: did you mean {}? `northstarctl help` lists them all", text, nearest->name);
}

class HelpFormatter : public CLI::FormatterBase {
public:
    std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
        return helpAbout(app->get_parent() == nullptr ? "" : app->get_name(), *app);
    }
};

std::string row(const std::string& left, const std::string& right) { return fmt::format("  {:<22} {}\n", left, right); }

std::string optionRows(const CLI::App& app) {
    std::string text;
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_positional()) continue;
        if (option == app.get_help_ptr() && app.get_parent() != nullptr) continue;
        std::string name = option->get_name(false, true);
        if (const auto comma = name.find(','); comma != std::string::npos) name.insert(comma + 1, 1, ' ');
        const std::string type = option->get_type_name();  // with the values of a check behind a colon
        if (option->get_items_expected_max() > 0) name += ' ' + type.substr(0, type.find(':'));
        text += row(name, option->get_description());
    }
    return text;
}

std::string helpOfAll(const CLI::App& app) {
    std::string text = "Usage: northstarctl [OPTION]... COMMAND [ARGUMENT]...\n";
    for (const auto& spec : commands()) text += row(spec.name, spec.summary);
    return text + optionRows(app);
}

}  // namespace

std::size_t commandAt(const std::vector<std::string>& words) {
    for (std::size_t at = 0; at < words.size(); ++at) {
        if (words[at] == "--") return words.size();
        if (std::ranges::count(kWithValue, words[at]) > 0) {
            ++at;
        } else if (!words[at].starts_with('-')) {
            return at;
        }
    }
    return words.size();
}

std::string helpAbout(const std::string& command, const CLI::App& app) {
    if (command.empty()) return helpOfAll(app);
    const CommandSpec* spec = findCommand(command);
    if (spec == nullptr) throw usageError(unknownCommand(command));
    const CLI::App* own = app.get_parent() == nullptr ? app.get_subcommand(command) : &app;
    const std::string options = optionRows(*own);
    std::string text =
        fmt::format("Usage: northstarctl {}{}{}\n{}.\n", spec->name, options.empty() ? "" : " [OPTION]...",
                    *spec->words == '\0' ? "" : " " + std::string{spec->words}, spec->summary);
    if (!options.empty()) text += "\n" + options;
    text += "\nExamples:\n";
    for (const char* example : spec->examples) text += fmt::format("  northstarctl {}\n", example);
    return text + "\nOptions of all commands: northstarctl --help. More: man northstarctl\n";
}

CommandLine::CommandLine() {
    app.set_version_flag("--version", std::string{"northstarctl "} + kVersion, "Print the version");
    app.set_help_flag("-h,--help", "Print this, after a command all about it");
    app.formatter(std::make_shared<HelpFormatter>());
    app.add_option("-H,--host", arguments.host, "The service of another machine, over ssh")->type_name("[USER@]HOST");
    app.add_option("--bus", arguments.bus, "system (the default), session or a D-Bus address")->type_name("BUS");
    app.add_flag("--no-ask", arguments.noAsk, "Fail rather than ask for a password");
    app.add_flag("--json", arguments.json, "Print JSON, errors too");
    app.add_option("--color", arguments.color, "auto (the default), always or never")
        ->type_name("WHEN")
        ->check(CLI::IsMember({"auto", "always", "never"}));
    app.fallthrough();
    for (const auto& spec : commands()) add(spec);
    app.require_subcommand(1);
}

void CommandLine::add(const CommandSpec& spec) {
    auto* added = app.add_subcommand(spec.name, spec.summary);
    added->callback([this, &spec] { command = spec.run; });
    if (*spec.words != '\0') {
        auto* words = added->add_option("words", arguments.what, "");
        // What can be left out, or replaced by an option, is seen to by the command.
        const bool optional = spec.kind == Words::Commands || spec.run == mount || spec.run == unmount;
        if (!optional) words->required();
    }
    addOptions(*added, spec.name, arguments);
}

void CommandLine::parse(const std::vector<std::string>& words) {
    const auto at = commandAt(words);
    if (at < words.size() && findCommand(words[at]) == nullptr) throw usageError(unknownCommand(words[at]));
    auto reversed = words;  // as CLI11 wants it
    std::ranges::reverse(reversed);
    try {
        app.parse(std::move(reversed));
    } catch (const CLI::CallForHelp&) {
        throw;
    } catch (const CLI::CallForVersion&) {
        throw;
    } catch (const CLI::ParseError& error) {
        const std::string about = at < words.size() ? "northstarctl help " + words[at] : "northstarctl help";
        throw usageError(fmt::format("{}; see `{}`", error.what(), about));
    }
    if (!arguments.host.empty() && app.get_option("--bus")->count() > 0) {
        throw usageError("--host is the system bus of another machine: not with --bus");
    }
}

}  // namespace northstar::cli
