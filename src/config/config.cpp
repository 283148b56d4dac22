// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/error.h"
#include "config/consistency.h"
#include "config/schema.h"
#include "config/table_reader.h"

namespace northstar {

void ConfigReport::problem(const std::string& key, const std::string& what) {
    // "repositories.vendor.dir", "repositories.vendor"
    for (std::string name = key;; name.erase(name.rfind('.'))) {
        const auto place = places.find(name);
        if (place == places.end() && name.find('.') != std::string::npos) continue;
        problems.add(place != places.end() ? place->second : Place{}, key + ": " + what);
        return;
    }
}

std::string keyOf(const std::string& repository, const std::string& key) {
    const char* quote = repository.find('.') != std::string::npos ? "\"" : "";
    return fmt::format("repositories.{}{}{}{}{}", quote, repository, quote, key.empty() ? "" : ".", key);
}

ConfigReport readConfig(const ConfigSource& source) {
    ConfigReport report;
    auto [files, complete] = readConfigFiles(source, report.problems);
    for (const auto& [path, text] : files) {
        Reading reading{{.layer = report.files.size(), .file = path}, report.problems, report.places};
        report.files.push_back(path);
        try {
            decodeOnto(report.config, reading, toml::parse(std::string_view{text}, std::string_view{path}));
        } catch (const toml::parse_error& error) {
            // The description quotes what is there, line ends and all.
            report.problems.add(reading.at(error.source()), fmt::format("cannot read the configuration: {}",
                                                                        printable(std::string{error.description()})));
            complete = false;
        }
    }
    // What a file that cannot be read has to say about it is not known.
    if (complete) checkTogether(report);
    return report;
}

Config loadConfig(const ConfigSource& source) {
    ConfigReport report = readConfig(source);
    report.problems.refuse();
    return std::move(report.config);
}

std::string nameFiles(const std::vector<std::string>& files) {
    if (files.empty()) return "the defaults, as there is no file";
    return fmt::format("{}", fmt::join(files, ", "));
}

}  // namespace northstar
