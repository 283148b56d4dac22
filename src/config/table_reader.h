// SPDX-License-Identifier: Apache-2.0
// One table of one file. What is wrong is a problem, and the value stays as it was. The reader remembers which keys it
// was asked for: what is left over is unknown.
#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>

#include <chrono>
#include <ranges>
#include <set>

#include "base/std.h"
#include "config/problems.h"

namespace northstar {

// What the readers of one file report to.
struct Reading {
    Place file;  // without a line
    Problems& problems;
    std::map<std::string, Place>& places;  // of each key that was found, by its whole name

    [[nodiscard]] Place at(const toml::source_region& where) const {
        return {file.layer, file.file, where.begin.line, where.begin.column};
    }
};

class TableReader {
public:
    // `prefix` goes before the names of keys: "limits.".
    TableReader(Reading& reading, const toml::table& table, std::string prefix)
        : reading_{reading}, table_{table}, prefix_{std::move(prefix)} {}

    // nullptr without the key.
    const toml::node* find(const std::string& key);
    // nullptr too if it is no table.
    const toml::table* table(const std::string& key);

    void path(const std::string& key, std::string& value);
    // One that the service makes and compares with others: see resolveDirectory().
    void ownDirectory(const std::string& key, std::string& value);
    void paths(const std::string& key, std::vector<std::string>& value);
    void boolean(const std::string& key, bool& value);
    void count(const std::string& key, std::uint32_t& value, std::uint32_t most = 2'147'483'647);
    void duration(const std::string& key, std::chrono::milliseconds& value);
    void size(const std::string& key, std::uint64_t& value);

    template <typename Enum>
    void choice(const std::string& key, Enum& value, const std::map<std::string, Enum>& choices) {
        const auto* node = find(key);
        if (node == nullptr) return;
        const auto text = node->value_exact<std::string>();
        const auto chosen = text ? choices.find(*text) : choices.end();
        if (chosen != choices.end()) {
            value = chosen->second;
        } else {
            problem(*node, key, fmt::format("must be \"{}\"", fmt::join(std::views::keys(choices), "\" or \"")));
        }
    }

    void problem(const toml::node& where, const std::string& key, const std::string& what) const;

    // Call last: everything that was not asked for is a mistake. `northstar`: as for successorOfNorthstar().
    void refuseUnknown(std::string_view northstar = "none") const;

private:
    // The text of a string that is an absolute path.
    std::optional<std::string> absolutePath(const std::string& key, const toml::node& node, const char* problem) const;

    Reading& reading_;
    const toml::table& table_;
    std::string prefix_;
    std::set<std::string> known_;
};

}  // namespace northstar
