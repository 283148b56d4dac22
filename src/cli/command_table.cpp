// SPDX-License-Identifier: Apache-2.0
// Every command, with its options. docs/northstarctl.1 says the same at length; a test compares the two.
#include "base/std.h"
#include "cli/arguments.h"
#include "cli/command_line.h"
#include "cli/commands.h"

namespace northstar::cli {

const std::vector<CommandSpec>& commands() {
    static const std::vector<CommandSpec> table{
        {"status",
         "",
         "Show the service and what needs attention, at a glance",
         status,
         Words::None,
         {"status", "status --json", "-H root@device status"}},
        {"list",
         "",
         "List what is mounted",
         list,
         Words::None,
         {"list", "list --columns container,device,root_hash", "list --no-legend --columns mount_point"}},
        {"show",
         "MOUNT...",
         "Show all about a mount",
         show,
         Words::Mounts,
         {"show hello:1.0.0", "show /run/northstar/hello:1.0.0 --json"}},
        {"mount",
         "CONTAINER|PACKAGE...",
         "Mount containers or packages, and print the mount points",
         mount,
         Words::Containers,
         {"mount hello:1.0.0", "mount hello fonts video", "mount ./hello.npk --target /mnt",
          "mount --ensure hello:1.0.0"}},
        {"unmount",
         "MOUNT|CONTAINER|PACKAGE...",
         "Unmount mounts, or all",
         unmount,
         Words::Mounts,
         {"unmount hello:1.0.0", "unmount /mnt --lazy", "unmount --all"}},
        {"replace",
         "MOUNT CONTAINER",
         "Put a container in the place of what is mounted",
         replace,
         Words::Mounts,
         {"replace hello:1.0.0 hello:2.0.0", "replace /run/northstar/hello hello"}},
        {"upgrade",
         "NAME...",
         "Replace what is mounted by its highest version",
         upgrade,
         Words::Mounts,
         {"upgrade hello", "upgrade hello fonts"}},
        {"containers",
         "",
         "List what can be mounted, and what was refused",
         containers,
         Words::None,
         {"containers", "containers --json"}},
        {"inspect",
         "CONTAINER|PACKAGE...",
         "Show what a container or a package is",
         inspect,
         Words::Containers,
         {"inspect hello:1.0.0", "inspect ./hello.npk --key vendor.pub"}},
        {"verify",
         "CONTAINER|PACKAGE...",
         "Read the whole image against its hash tree",
         verify,
         Words::Containers,
         {"verify hello:1.0.0", "verify ./hello.npk --key vendor.pub"}},
        {"repositories",
         "",
         "List the repositories",
         repositories,
         Words::None,
         {"repositories", "repositories --json"}},
        {"install",
         "PACKAGE...",
         "Add packages to a repository, and print the containers",
         install,
         Words::Packages,
         {"install ./hello.npk --repository vendor", "install *.npk --repository vendor"}},
        {"uninstall",
         "NAME:VERSION|PACKAGE...",
         "Remove containers from a repository",
         uninstall,
         Words::InRepository,
         {"uninstall hello:1.0.0 --repository vendor"}},
        {"reload", "", "Have configuration, keys and repositories read again", reload, Words::None, {"reload"}},
        {"monitor",
         "",
         "Print a line for each event until interrupted",
         monitor,
         Words::None,
         {"monitor", "monitor --json", "monitor --once"}},
        {"check-system",
         "",
         "Show what this system offers and lacks for mounting",
         checkSystem,
         Words::None,
         {"check-system", "check-system --root ./rootfs", "check-system --json"}},
        {"help", "[COMMAND]", "Show this, or all about a command", nullptr, Words::Commands, {"help mount"}},
    };
    return table;
}

const CommandSpec* findCommand(std::string_view name) {
    const auto found = std::ranges::find(commands(), name, &CommandSpec::name);
    return found == commands().end() ? nullptr : &*found;
}

namespace {

CLI::Option* addText(CLI::App& to, const char* name, std::string& value, const char* type, const char* text) {
    return to.add_option(name, value, text)->type_name(type);
}

void addKeys(CLI::App& to, Arguments& arguments) {
    to.add_option("--key", arguments.keys, "Public key for packages; else those of the service")
        ->type_name("FILE")
        ->allow_extra_args(false);
}

void addRepository(CLI::App& to, Arguments& arguments, const char* text) {
    addText(to, "--repository", arguments.repository, "NAME", text);
}

void addTable(CLI::App& to, Arguments& arguments) {
    to.add_option("--columns", arguments.columns, "Which columns, and in which order")
        ->type_name("NAME,...")
        ->delimiter(',')
        ->allow_extra_args(false);
    to.add_flag("--no-legend", arguments.noLegend, "No headings");
}

void addHow(CLI::App& to, Arguments& arguments) {
    to.add_flag("--noexec", arguments.noexec, "Programs in it cannot be run");
    addText(to, "--verity", arguments.verity, "MODE", "For a bad block: eio (fail the read), restart or panic")
        ->check(CLI::IsMember({"eio", "restart", "panic"}));
}

void addMount(CLI::App& to, Arguments& arguments) {
    addText(to, "--file", arguments.file, "PATH", "A package that the service opens with its own rights");
    addText(to, "--target", arguments.target, "PATH", "Mount point; else one in the run directory");
    addRepository(to, arguments, "Take the containers from this repository");
    to.add_flag("--ensure", arguments.ensure, "Done if it is mounted so already");
    addHow(to, arguments);
    to.add_flag("--allow-unverified", arguments.allowUnverified, "Take a package that no trusted key signed");
}

}  // namespace

void addOptions(CLI::App& to, std::string_view command, Arguments& arguments) {
    if (command == "mount") addMount(to, arguments);
    if (command == "unmount") {
        to.add_flag("--all", arguments.all, "Everything that is mounted");
        to.add_flag("--lazy", arguments.lazy, "Detach it now, even if it is in use");
    }
    if (command == "replace") {
        addRepository(to, arguments, "Take the container from this repository");
        addHow(to, arguments);
    }
    if (command == "list" || command == "containers" || command == "repositories") addTable(to, arguments);
    if (command == "inspect" || command == "verify") addKeys(to, arguments);
    if (command == "verify") addRepository(to, arguments, "Take the containers from this repository");
    if (command == "install" || command == "uninstall") {
        addText(to, "--repository", arguments.repository, "NAME", "The repository")->required();
    }
    if (command == "monitor") to.add_flag("--once", arguments.once, "End after one event");
    if (command == "check-system") {
        addText(to, "--root", arguments.root, "PATH", "Look at the system whose files lie there");
    }
}

}  // namespace northstar::cli
