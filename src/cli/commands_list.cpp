// SPDX-License-Identifier: Apache-2.0
// list, show, containers, repositories: what there is.
#include <fmt/format.h>
#include <pwd.h>

#include <iostream>

#include "base/std.h"
#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/mounts.h"
#include "cli/output.h"
#include "cli/repositories.h"
#include "cli/text.h"

namespace northstar::cli {
namespace {

std::string timeText(const Json& value) { return value.is_number() ? localTime(value.get<std::uint64_t>()) : ""; }

// Users have their names on their own machine only.
std::string ownerText(const Json& value, const Arguments& arguments) {
    if (!value.is_number()) return "";
    const auto uid = value.get<std::uint32_t>();
    const passwd* user = arguments.host.empty() ? getpwuid(uid) : nullptr;
    return user != nullptr ? user->pw_name : std::to_string(uid);
}

std::vector<Column> mountColumns(const Arguments& arguments) {
    return {{"container", "CONTAINER"},
            {"mount_point", "MOUNT POINT"},
            {"verified", "VERIFIED"},
            {"corrupted", "CORRUPTED"},
            {"owner_uid", "OWNER", [&arguments](const Json& value) { return ownerText(value, arguments); }},
            {"mounted_at", "SINCE", timeText},
            {"device", "DEVICE"},
            {"object", "OBJECT"},
            {"name", "NAME"},
            {"version", "VERSION"},
            {"repository", "REPOSITORY"},
            {"filesystem", "FILESYSTEM"},
            {"loop_device", "LOOP DEVICE"},
            {"source", "SOURCE"},
            {"root_hash", "ROOT HASH"}};
}

}  // namespace

Exit list(const Arguments& arguments) {
    Table table{mountColumns(arguments), !arguments.noLegend, colorOf};
    table.choose(arguments.columns.empty() ? std::vector<std::string>{"container", "mount_point", "verified",
                                                                      "corrupted", "owner_uid", "mounted_at"}
                                           : arguments.columns);
    const Json rows = mountRows(Client{arguments}.state());
    if (arguments.json) {
        printJson(rows);
    } else {
        table.print(rows, Palette{arguments.color});
    }
    return Exit::Done;
}

Exit show(const Arguments& arguments) {
    const Json rows = mountRows(Client{arguments}.state());
    Reporter reporter{arguments.json};
    Json found = Json::array();
    for (const auto& what : arguments.what) {
        try {
            for (const auto& row : findMounts(rows, what)) found.push_back(row);
        } catch (const std::exception& error) {
            reporter.tell(failureOf(error));
        }
    }
    if (arguments.json) {
        printJson(found);
        return reporter.status();
    }
    const Palette palette{arguments.color};
    for (std::size_t at = 0; at < found.size(); ++at) {
        Json row = found[at];
        const Color color = colorOf(row);
        if (row.contains("owner_uid")) row["owner_uid"] = ownerText(row["owner_uid"], arguments);
        if (row.contains("mounted_at")) row["mounted_at"] = timeText(row["mounted_at"]);
        if (at > 0) std::cout << '\n';
        for (const auto& [key, value] : row.items()) {
            const bool marked = (key == "corrupted" && color == Color::Red) || (key == "verified" && value == false);
            const std::string line = plain(key) + ": " + textOf(value);
            std::cout << (marked ? palette.paint(color, line) : line) << '\n';
        }
    }
    return reporter.status();
}

Exit containers(const Arguments& arguments) {
    Table table{{{"name", "NAME"}, {"version", "VERSION"}, {"repository", "REPOSITORY"}, {"mounted", "MOUNTED"}},
                !arguments.noLegend};
    table.choose(arguments.columns);
    Client client{arguments};
    const Json rows = client.listContainers();
    const auto refused = refusedFiles(client.state());
    if (arguments.json) {
        Json result{{"containers", rows}};
        if (refused) result["refused"] = *refused;
        printJson(result);
        return Exit::Done;
    }
    const Palette palette{arguments.color};
    table.print(rows, palette);
    if (!refused || refused->empty()) return Exit::Done;
    std::cout << "\nRefused:\n";
    Table{{{"repository", "REPOSITORY"}, {"file", "FILE"}, {"error", "WHY"}, {"message", ""}},
          !arguments.noLegend,
          [](const Json&) { return Color::Red; }}
        .print(*refused, palette);
    return Exit::Done;
}

Exit repositories(const Arguments& arguments) {
    Table table{{{"name", "NAME"},
                 {"type", "TYPE"},
                 {"verified", "VERIFIED"},
                 {"used", "USED"},
                 {"capacity", "CAPACITY"},
                 {"max_containers", "MAX"},
                 {"directory", "DIRECTORY"}},
                !arguments.noLegend,
                colorOf};
    table.choose(arguments.columns);
    const Json rows = repositoryRows(Client{arguments}.state());
    if (arguments.json) {
        printJson(rows);
    } else {
        table.print(rows, Palette{arguments.color});
    }
    return Exit::Done;
}

}  // namespace northstar::cli
