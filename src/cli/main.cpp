// SPDX-License-Identifier: Apache-2.0
// northstarctl: the service's calls from a command line. Exit status: 0 done, 1 refused or failed, 2 wrong usage.
#include <CLI/CLI.hpp>
#include <iostream>

#include "base/std.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace northstar::cli {
namespace {

int fail(const std::string& message) {
    std::cerr << "northstarctl: " << plain(message) << std::endl;
    return 1;
}

// The command line of all commands; parsing it fills in `arguments` and `command`.
class CommandLine {
public:
    CommandLine() {
        app.set_version_flag("--version", std::string{"northstarctl "} + kVersion);
        app.add_option("--bus", arguments.bus, "system, session or a D-Bus address")->capture_default_str();
        app.add_flag("--no-ask", arguments.noAsk, "Fail rather than prompt for a password");
        app.fallthrough();
        addMount();
        addUnmount();
        addJson(*add("list", "List what is mounted", list));
        addJson(*add("containers", "List what can be mounted", containers));
        auto* inspected = add("inspect", "Show what a container is", inspect);
        inspected->add_option("container", arguments.what, "NAME or NAME:VERSION")->required();
        addJson(*inspected);
        add("monitor", "Print a line for each event until interrupted", monitor);
        addForRepositories();
        app.require_subcommand(1);
    }

    CLI::App app{"Mount signed Northstar packages through the Northstar Mounter service"};
    Arguments arguments;
    Command command = nullptr;

private:
    CLI::App* add(const char* name, const char* description, Command run) {
        auto* added = app.add_subcommand(name, description);
        added->callback([this, run] { command = run; });
        return added;
    }

    void addJson(CLI::App& to, const char* description = "Print JSON") {
        to.add_flag("--json", arguments.json, description);
    }

    CLI::Option* addRepository(CLI::App& to, const char* description) {
        return to.add_option("--repository", arguments.repository, description)->type_name("NAME");
    }

    void addMount() {
        auto* added = add("mount", "Mount a container and print its mount point", mount);
        auto* what = added->add_option_group("what", "what to mount: one of");
        what->add_option("container", arguments.what, "A container of a repository: NAME or NAME:VERSION");
        what->add_option("--file", arguments.file, "A package by its path, opened by the service")->type_name("PATH");
        what->add_option("--fd", arguments.fd, "A package by its path, opened here with your rights")
            ->type_name("PATH");
        what->require_option(1);
        added->add_option("--target", arguments.target, "Mount point (default: in the run directory)")
            ->type_name("PATH");
        addRepository(*added, "Take it from this repository");
        added->add_flag("--noexec", arguments.noexec, "Programs in it cannot be run");
        added->add_option("--verity", arguments.verity, "What the kernel does about a block that does not verify")
            ->check(CLI::IsMember({"eio", "restart", "panic"}))
            ->type_name("MODE");
        added->add_flag("--allow-unverified", arguments.allowUnverified, "Take a file that no trusted key signed");
    }

    void addUnmount() {
        auto* added = add("unmount", "Unmount a container, or all", unmount);
        auto* what = added->add_option_group("what", "what to unmount: one of");
        what->add_option("what", arguments.what, "A container, a mount point or a mount's object path");
        what->add_flag("--all", arguments.all, "Everything that is mounted");
        what->require_option(1);
        added->add_flag("--lazy", arguments.lazy, "Detach it now, even if it is in use");
    }

    void addForRepositories() {
        addJson(*add("repositories", "List the repositories (sizes in bytes; 0: no limit)", repositories),
                "Print JSON, with keys and containers");
        auto* added = add("install", "Add a package to a repository and print its container", install);
        added->add_option("package", arguments.file, "A package by its path, opened here with your rights")->required();
        addRepository(*added, "The repository")->required();
        // Without a version the service would take the highest, which may be another one tomorrow.
        const auto versioned = [](const std::string& container) {
            return std::string{container.find(':') == std::string::npos ? "give the version, too: NAME:VERSION" : ""};
        };
        added = add("uninstall", "Remove a container from a repository", uninstall);
        added->add_option("container", arguments.what, "NAME:VERSION")->required()->check(versioned);
        addRepository(*added, "The repository")->required();
        added = add("verify", "Read a container's whole image against its hash tree", verify);
        added->add_option("container", arguments.what, "NAME or NAME:VERSION")->required();
        addRepository(*added, "Take it from this repository");
        add("reload", "Have keys and repositories read again", reload);
    }
};

}  // namespace
}  // namespace northstar::cli

int main(int argc, char** argv) {
    using namespace northstar::cli;
    CommandLine line;
    try {
        line.app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return line.app.exit(error) == 0 ? 0 : 2;
    }
    try {
        run(line.command, line.arguments);
        return std::cout.flush() ? 0 : fail("cannot write the result");
    } catch (const std::exception& error) {
        return fail(error.what());
    }
}
