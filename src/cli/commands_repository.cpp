// SPDX-License-Identifier: Apache-2.0
// The commands for administrators: what repositories there are and hold, and whether it is intact.
#include <iostream>

#include "base/error.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace northstar::cli {
namespace {

struct Arguments {
    std::string what, repository;
    bool json = false;
};

Client connect(const Session& session) { return Client{session.bus, !session.noAsk}; }

// A property as a cell of a table; empty where the service does not tell it.
template <typename T>
Cell cell(const Options& properties, const std::string& name) {
    const auto it = properties.find(name);
    return it != properties.end() && it->second.containsValueOfType<T>() ? Cell{it->second.get<T>()} : Cell{};
}

Cell number(const Options& properties, const std::string& name) {
    const auto it = properties.find(name);
    if (it != properties.end() && it->second.containsValueOfType<std::uint32_t>()) {
        return std::uint64_t{it->second.get<std::uint32_t>()};
    }
    return cell<std::uint64_t>(properties, name);
}

void printRepositories(const std::vector<RepositoryRow>& repositories, bool json) {
    std::vector<Column> columns{{"NAME", "name"},          {"TYPE", "type"},         {"VERIFIED", "verified"},
                                {"USED", "used"},          {"CAPACITY", "capacity"}, {"MAX", "max_containers"},
                                {"DIRECTORY", "directory"}};
    if (json) columns.insert(columns.end(), {{"", "keys"}, {"", "containers"}});  // too much for a line
    std::vector<std::vector<Cell>> rows;
    for (const auto& [name, properties] : repositories) {
        auto& row = rows.emplace_back(
            std::vector<Cell>{name, cell<std::string>(properties, "Type"), cell<bool>(properties, "Verified"),
                              number(properties, "Used"), number(properties, "Capacity"),
                              number(properties, "MaxContainers"), cell<std::string>(properties, "Directory")});
        if (!json) continue;
        row.push_back(cell<std::vector<std::string>>(properties, "Keys"));
        row.push_back(cell<std::vector<std::string>>(properties, "Containers"));
    }
    printTable(columns, rows, json);
}

void addRepositories(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("repositories", "List the repositories (sizes in bytes; 0: no limit)");
    auto arguments = std::make_shared<Arguments>();
    command->add_flag("--json", arguments->json, "Print JSON, with keys and containers");
    command->callback([&session, arguments] {
        session.command = [&session, arguments] {
            printRepositories(connect(session).listRepositories(), arguments->json);
        };
    });
}

void addInstall(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("install", "Add a package to a repository and print its container");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("package", arguments->what, "A package by its path, opened here with your rights")->required();
    command->add_option("--repository", arguments->repository, "The repository")->type_name("NAME")->required();
    command->callback([&session, arguments] {
        session.command = [&session, arguments] {
            const UniqueFd npk = openPackage(arguments->what);
            std::cout << plain(connect(session).install(arguments->repository, npk.get())) << std::endl;
        };
    });
}

void addUninstall(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("uninstall", "Remove a container from a repository");
    auto arguments = std::make_shared<Arguments>();
    // Without a version the service would take the highest, which may be another one tomorrow.
    const auto versioned = [](const std::string& container) {
        return std::string{container.find(':') == std::string::npos ? "give the version, too: NAME:VERSION" : ""};
    };
    command->add_option("container", arguments->what, "NAME:VERSION")->required()->check(versioned);
    command->add_option("--repository", arguments->repository, "The repository")->type_name("NAME")->required();
    command->callback([&session, arguments] {
        session.command = [&session, arguments] { connect(session).uninstall(arguments->repository, arguments->what); };
    });
}

void addVerify(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("verify", "Read a container's whole image against its hash tree");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("container", arguments->what, "NAME or NAME:VERSION")->required();
    command->add_option("--repository", arguments->repository, "Take it from this repository")->type_name("NAME");
    command->callback([&session, arguments] {
        session.command = [&session, arguments] {
            Options options;
            if (!arguments->repository.empty()) options["repository"] = sdbus::Variant{arguments->repository};
            if (!connect(session).verify(arguments->what, options)) {
                throw Error{Code::Corrupted, printable(arguments->what) +
                                                 " is corrupted: its image does not match "
                                                 "its hash tree; install it anew"};
            }
            std::cout << "intact" << std::endl;
        };
    });
}

void addReload(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("reload", "Have keys and repositories read again");
    command->callback([&session] { session.command = [&session] { connect(session).reload(); }; });
}

}  // namespace

void addRepositoryCommands(CLI::App& app, Session& session) {
    addRepositories(app, session);
    addInstall(app, session);
    addUninstall(app, session);
    addVerify(app, session);
    addReload(app, session);
}

}  // namespace northstar::cli
