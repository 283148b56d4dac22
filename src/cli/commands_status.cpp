// SPDX-License-Identifier: Apache-2.0
// status: the service at a glance.
#include <fmt/format.h>

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

std::size_t countOf(const Json& rows, const char* key, bool value) {
    return static_cast<std::size_t>(
        std::ranges::count_if(rows, [&](const Json& row) { return row.value(key, !value) == value; }));
}

// "44.7 kB of 1.0 MB, 5 containers"
std::string contentOf(const Json& repository) {
    const auto used = repository.value("used", std::uint64_t{0}),
               capacity = repository.value("capacity", std::uint64_t{0});
    std::string text = bytesText(used);
    if (capacity > 0) text += " of " + bytesText(capacity);
    return text + ", " + counted(repository.value("containers", Json::array()).size(), "container");
}

Json statusOf(const State& state) {
    const Json service = toJson(state.service), mounts = mountRows(state);
    Json corrupted = Json::array();
    for (const auto& row : mounts) {
        if (row.value("corrupted", false)) corrupted.push_back(row);
    }
    Json status{{"version", service.value("version", "")},
                {"run_directory", service.value("run_directory", "")},
                {"verity_available", service.value("verity_available", false)},
                {"mounts", mounts.size()},
                {"unverified_mounts", countOf(mounts, "verified", false)},
                {"corrupted", std::move(corrupted)},
                {"repositories", repositoryRows(state)}};
    if (const auto refused = refusedFiles(state)) status["refused"] = *refused;
    return status;
}

void print(const Json& status, const Palette& palette) {
    std::cout << fmt::format("Northstar Mounter {}\n", textOf(status["version"]));
    const auto line = [](const char* name, const std::string& text) {
        std::cout << fmt::format("{:>14}: {}\n", name, text);
    };
    const bool verity = status["verity_available"];
    line("dm-verity", verity ? palette.paint(Color::Green, "available")
                             : palette.paint(Color::Red, "missing") + "; `northstarctl check-system` says why");
    line("run directory", textOf(status["run_directory"]));
    std::string mounts = std::to_string(status["mounts"].get<std::size_t>());
    if (const auto count = status["unverified_mounts"].get<std::size_t>(); count > 0) {
        mounts += ", " + palette.paint(Color::Yellow, fmt::format("{} not verified", count));
    }
    if (const auto count = status["corrupted"].size(); count > 0) {
        mounts += ", " + palette.paint(Color::Red, fmt::format("{} corrupted", count));
    }
    line("mounts", mounts);
    line("repositories", std::to_string(status["repositories"].size()));
    Json rows = status["repositories"];
    for (auto& row : rows) {
        row["indent"] = "             ";
        row["content"] = contentOf(row);
        row["trust"] = row.value("verified", false) ? "verified" : "not verified";
    }
    Table{
        {{"indent", ""}, {"name", ""}, {"type", ""}, {"trust", ""}, {"content", ""}, {"directory", ""}}, false, colorOf}
        .print(rows, palette);
    for (const auto& row : status["corrupted"]) {
        line("corrupted", palette.paint(Color::Red, textOf(row["container"]) + " " + textOf(row["mount_point"])));
    }
    for (const auto& row : status.value("refused", Json::array())) {
        line("refused",
             palette.paint(Color::Red, fmt::format("{}: {}: {}: {}", textOf(row["repository"]), textOf(row["file"]),
                                                   textOf(row["error"]), textOf(row["message"]))));
    }
}

}  // namespace

Exit status(const Arguments& arguments) {
    const Json status = statusOf(Client{arguments}.state());
    if (arguments.json) {
        printJson(status);
    } else {
        print(status, Palette{arguments.color});
    }
    return Exit::Done;
}

}  // namespace northstar::cli
