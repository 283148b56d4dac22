// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <filesystem>
#include <iostream>

#include "base/error.h"
#include "base/unique_fd.h"
#include "cli/client.h"
#include "cli/output.h"

namespace northstar::cli {
namespace {

Client connect(const Arguments& arguments) { return Client{arguments.bus, !arguments.noAsk}; }

// The service does not know the caller's working directory.
std::string absolutePath(const std::string& path) { return std::filesystem::absolute(path).string(); }

// Opened with the caller's rights and without waiting for anything. Throws Failed.
UniqueFd openPackage(const std::string& path) {
    UniqueFd npk{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (!npk) throwErrno(Code::Failed, "cannot open " + printable(path), errno);
    return npk;
}

Options mountOptions(const Arguments& arguments) {
    Options options;
    if (!arguments.target.empty()) options["target"] = sdbus::Variant{absolutePath(arguments.target)};
    if (!arguments.repository.empty()) options["repository"] = sdbus::Variant{arguments.repository};
    if (!arguments.verity.empty()) options["verity"] = sdbus::Variant{arguments.verity};
    if (arguments.noexec) options["noexec"] = sdbus::Variant{true};
    if (arguments.allowUnverified) options["allow_unverified"] = sdbus::Variant{true};
    return options;
}

void unmountAll(Client client, const Options& options) {
    constexpr std::size_t kMost = 4096;  // that UnmountMany takes, see org.northstar.Mounter(5)
    const auto mounts = client.listMounts();
    std::map<std::string, std::string> failures;
    for (std::size_t at = 0; at < mounts.size(); at += kMost) {
        std::vector<std::string> objects;
        for (std::size_t i = at; i < std::min(at + kMost, mounts.size()); ++i) objects.push_back(mounts[i].object);
        failures.merge(client.unmountMany(objects, options));
    }
    if (failures.empty()) return;
    std::size_t left = 0;
    for (const auto& mount : client.listMounts()) {
        const auto failure = failures.find(mount.object);
        if (failure == failures.end()) continue;  // it came since; and what is not listed went by another hand
        ++left;
        std::cerr << "northstarctl: " << plain(failure->second) << std::endl;
    }
    if (left > 0) throw Error{Code::Busy, fmt::format("{} of {} mounts could not be unmounted", left, mounts.size())};
}

// A property as a cell of a table; empty where the service does not tell it.
template <typename T>
Cell cell(const Options& properties, const std::string& name) {
    const auto it = properties.find(name);
    return it != properties.end() && it->second.containsValueOfType<T>() ? Cell{it->second.get<T>()} : Cell{};
}

}  // namespace

void run(Command command, const Arguments& arguments) {
    try {
        command(arguments);
    } catch (const sdbus::Error& error) {
        throw Error{Code::Failed, error.getMessage().empty() ? std::string{error.getName()} : error.getMessage()};
    }
}

void mount(const Arguments& arguments) {
    auto client = connect(arguments);
    const Options options = mountOptions(arguments);
    const auto mountPoint = !arguments.what.empty()   ? client.mount(arguments.what, options)
                            : !arguments.file.empty() ? client.mountFile(absolutePath(arguments.file), options)
                                                      : client.mountFd(openPackage(arguments.fd).get(), options);
    std::cout << plain(mountPoint) << std::endl;
}

void unmount(const Arguments& arguments) {
    Options options;
    if (arguments.lazy) options["lazy"] = sdbus::Variant{true};
    if (arguments.all) return unmountAll(connect(arguments), options);
    connect(arguments).unmount(arguments.what, options);
}

void list(const Arguments& arguments) {
    std::vector<std::vector<Cell>> rows;
    for (const auto& m : connect(arguments).listMounts()) {
        rows.push_back({m.container, m.mountPoint, m.device, m.object});
    }
    const std::vector<Column> columns{
        {"CONTAINER", "container"}, {"MOUNT POINT", "mount_point"}, {"DEVICE", "device"}, {"OBJECT", "object"}};
    printTable(columns, rows, arguments.json);
}

void containers(const Arguments& arguments) {
    std::vector<std::vector<Cell>> rows;
    for (const auto& c : connect(arguments).listContainers()) {
        rows.push_back({c.name, c.version, c.repository, c.mounted});
    }
    const std::vector<Column> columns{
        {"NAME", "name"}, {"VERSION", "version"}, {"REPOSITORY", "repository"}, {"MOUNTED", "mounted"}};
    printTable(columns, rows, arguments.json);
}

void inspect(const Arguments& arguments) { printFields(connect(arguments).inspect(arguments.what), arguments.json); }

void monitor(const Arguments& arguments) {
    connect(arguments).monitor([] { std::cerr << "northstarctl: waiting for events" << std::endl; },
                               [](const std::string& line) { std::cout << plain(line) << std::endl; });
}

void repositories(const Arguments& arguments) {
    std::vector<Column> columns{{"NAME", "name"},          {"TYPE", "type"},         {"VERIFIED", "verified"},
                                {"USED", "used"},          {"CAPACITY", "capacity"}, {"MAX", "max_containers"},
                                {"DIRECTORY", "directory"}};
    if (arguments.json) columns.insert(columns.end(), {{"", "keys"}, {"", "containers"}});  // too much for a line
    std::vector<std::vector<Cell>> rows;
    for (const auto& [name, of] : connect(arguments).listRepositories()) {
        auto& row = rows.emplace_back(
            std::vector<Cell>{name, cell<std::string>(of, "Type"), cell<bool>(of, "Verified"),
                              cell<std::uint64_t>(of, "Used"), cell<std::uint64_t>(of, "Capacity"),
                              cell<std::uint32_t>(of, "MaxContainers"), cell<std::string>(of, "Directory")});
        if (!arguments.json) continue;
        row.push_back(cell<std::vector<std::string>>(of, "Keys"));
        row.push_back(cell<std::vector<std::string>>(of, "Containers"));
    }
    printTable(columns, rows, arguments.json);
}

void install(const Arguments& arguments) {
    const UniqueFd npk = openPackage(arguments.file);
    std::cout << plain(connect(arguments).install(arguments.repository, npk.get())) << std::endl;
}

void uninstall(const Arguments& arguments) { connect(arguments).uninstall(arguments.repository, arguments.what); }

void verify(const Arguments& arguments) {
    Options options;
    if (!arguments.repository.empty()) options["repository"] = sdbus::Variant{arguments.repository};
    if (!connect(arguments).verify(arguments.what, options)) {
        throw Error{Code::Corrupted,
                    fmt::format("{} is corrupted: its image does not match its hash tree; install it anew",
                                printable(arguments.what))};
    }
    std::cout << "intact" << std::endl;
}

void reload(const Arguments& arguments) { connect(arguments).reload(); }

}  // namespace northstar::cli
