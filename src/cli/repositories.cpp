// SPDX-License-Identifier: Apache-2.0
#include "cli/repositories.h"

#include "base/std.h"
#include "cli/failure.h"
#include "cli/output.h"

namespace northstar::cli {

Json repositoryRows(const State& state) {
    Json rows = Json::array();
    for (const auto& repository : state.repositories) {
        const Json told = toJson(repository.properties);
        if (!told.contains("name")) continue;  // the path holds it escaped
        Json row = Json::object();
        for (const char* key :
             {"name", "type", "verified", "used", "capacity", "max_containers", "directory", "keys", "containers"}) {
            if (told.contains(key)) row[key] = told[key];
        }
        row.update(told);
        row.erase("refused");  // `containers` has it
        rows.push_back(std::move(row));
    }
    return rows;
}

std::optional<Json> refusedFiles(const State& state) {
    std::optional<Json> rows;
    for (const auto& repository : state.repositories) {
        const Json told = toJson(repository.properties);
        if (!told.contains("refused")) continue;
        if (!rows) rows = Json::array();
        for (const auto& file : told["refused"]) {
            const Failure failure = failureOf(file.at(1).get<std::string>(), file.at(2).get<std::string>());
            rows->push_back({{"repository", told.value("name", "")},
                             {"file", file.at(0)},
                             {"error", failure.name},
                             {"message", failure.message}});
        }
    }
    return rows;
}

}  // namespace northstar::cli
