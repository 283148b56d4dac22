// SPDX-License-Identifier: Apache-2.0
// Each command: its arguments, and the call that it makes.
#include "cli/commands.h"

#include <fcntl.h>

#include <filesystem>
#include <iostream>

#include "base/error.h"
#include "cli/client.h"
#include "cli/output.h"

namespace northstar::cli {
namespace {

Client connect(const Session& session) { return Client{session.bus, !session.noAsk}; }

// The service does not know the caller's working directory.
std::string absolutePath(const std::string& path) { return std::filesystem::absolute(path).string(); }

struct MountArguments {
    std::string container, file, fd, target, repository, verity;
    bool noexec = false;
    bool allowUnverified = false;

    [[nodiscard]] Options options() const {
        Options options;
        if (!target.empty()) options["target"] = sdbus::Variant{absolutePath(target)};
        if (!repository.empty()) options["repository"] = sdbus::Variant{repository};
        if (!verity.empty()) options["verity"] = sdbus::Variant{verity};
        if (noexec) options["noexec"] = sdbus::Variant{true};
        if (allowUnverified) options["allow_unverified"] = sdbus::Variant{true};
        return options;
    }
};

std::string mount(Client& client, const MountArguments& arguments) {
    if (!arguments.container.empty()) return client.mount(arguments.container, arguments.options());
    if (!arguments.file.empty()) return client.mountFile(absolutePath(arguments.file), arguments.options());
    return client.mountFd(openPackage(arguments.fd).get(), arguments.options());
}

void addMount(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("mount", "Mount a container and print its mount point");
    auto arguments = std::make_shared<MountArguments>();
    auto* what = command->add_option_group("what", "what to mount: one of");
    what->add_option("container", arguments->container, "A container of a repository: NAME or NAME:VERSION");
    what->add_option("--file", arguments->file, "A package by its path, opened by the service")->type_name("PATH");
    what->add_option("--fd", arguments->fd, "A package by its path, opened here with your rights")->type_name("PATH");
    what->require_option(1);
    command->add_option("--target", arguments->target, "Mount point (default: in the run directory)")
        ->type_name("PATH");
    command->add_option("--repository", arguments->repository, "Take it from this repository")->type_name("NAME");
    command->add_flag("--noexec", arguments->noexec, "Programs in it cannot be run");
    command->add_option("--verity", arguments->verity, "What the kernel does about a block that does not verify")
        ->check(CLI::IsMember({"eio", "restart", "panic"}))
        ->type_name("MODE");
    command->add_flag("--allow-unverified", arguments->allowUnverified, "Take a file that no trusted key signed");
    command->callback([&session, arguments] {
        session.command = [&session, arguments] {
            auto client = connect(session);
            std::cout << plain(mount(client, *arguments)) << std::endl;
        };
    });
}

void unmountAll(Client client, const Options& options) {
    constexpr std::size_t kMost = 4096;  // that UnmountMany takes, see org.northstar.Mounter(5)
    const auto mounts = client.listMounts();
    std::vector<std::string> failures;
    for (std::size_t at = 0; at < mounts.size(); at += kMost) {
        std::vector<std::string> objects;
        for (std::size_t i = at; i < std::min(at + kMost, mounts.size()); ++i) objects.push_back(mounts[i].object);
        for (auto& failure : client.unmountMany(objects, options)) failures.push_back(std::move(failure));
    }
    for (const auto& failure : failures) std::cerr << "northstarctl: " << plain(failure) << std::endl;
    if (!failures.empty()) {
        throw Error{Code::Busy, std::to_string(failures.size()) + " of " + std::to_string(mounts.size()) +
                                    " mounts could not be unmounted"};
    }
}

void addUnmount(CLI::App& app, Session& session) {
    struct Arguments {
        std::string what;
        bool all = false;
        bool lazy = false;
    };
    auto* command = app.add_subcommand("unmount", "Unmount a container, or all");
    auto arguments = std::make_shared<Arguments>();
    auto* what = command->add_option_group("what", "what to unmount: one of");
    what->add_option("what", arguments->what, "A container, a mount point or a mount's object path");
    what->add_flag("--all", arguments->all, "Everything that is mounted");
    what->require_option(1);
    command->add_flag("--lazy", arguments->lazy, "Detach it now, even if it is in use");
    command->callback([&session, arguments] {
        session.command = [&session, arguments] {
            Options options;
            if (arguments->lazy) options["lazy"] = sdbus::Variant{true};
            if (arguments->all) return unmountAll(connect(session), options);
            connect(session).unmount(arguments->what, options);
        };
    });
}

void addList(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("list", "List what is mounted");
    auto json = std::make_shared<bool>(false);
    command->add_flag("--json", *json, "Print JSON");
    command->callback([&session, json] {
        session.command = [&session, json] {
            std::vector<std::vector<Cell>> rows;
            for (const auto& m : connect(session).listMounts()) {
                rows.push_back({m.container, m.mountPoint, m.device, m.object});
            }
            printTable({{"CONTAINER", "container"},
                        {"MOUNT POINT", "mount_point"},
                        {"DEVICE", "device"},
                        {"OBJECT", "object"}},
                       rows, *json);
        };
    });
}

void addContainers(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("containers", "List what can be mounted");
    auto json = std::make_shared<bool>(false);
    command->add_flag("--json", *json, "Print JSON");
    command->callback([&session, json] {
        session.command = [&session, json] {
            std::vector<std::vector<Cell>> rows;
            for (const auto& c : connect(session).listContainers()) {
                rows.push_back({c.name, c.version, c.repository, c.mounted});
            }
            printTable({{"NAME", "name"}, {"VERSION", "version"}, {"REPOSITORY", "repository"}, {"MOUNTED", "mounted"}},
                       rows, *json);
        };
    });
}

void addInspect(CLI::App& app, Session& session) {
    struct Arguments {
        std::string container;
        bool json = false;
    };
    auto* command = app.add_subcommand("inspect", "Show what a container is");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("container", arguments->container, "NAME or NAME:VERSION")->required();
    command->add_flag("--json", arguments->json, "Print JSON");
    command->callback([&session, arguments] {
        session.command = [&session, arguments] {
            printFields(connect(session).inspect(arguments->container), arguments->json);
        };
    });
}

void addMonitor(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("monitor", "Print a line for each event until interrupted");
    command->callback([&session] {
        session.command = [&session] {
            connect(session).monitor([] { std::cerr << "northstarctl: waiting for events" << std::endl; },
                                     [](const std::string& line) { std::cout << plain(line) << std::endl; });
        };
    });
}

}  // namespace

UniqueFd openPackage(const std::string& path) {
    UniqueFd npk{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (!npk) throwErrno(Code::Failed, "cannot open " + printable(path), errno);
    return npk;
}

void addCommands(CLI::App& app, Session& session) {
    addMount(app, session);
    addUnmount(app, session);
    addList(app, session);
    addContainers(app, session);
    addInspect(app, session);
    addMonitor(app, session);
    addRepositoryCommands(app, session);
    app.require_subcommand(1);
}

}  // namespace northstar::cli
