// SPDX-License-Identifier: Apache-2.0
// What northstarctl prints on standard output: a table for people or JSON for programs.
#pragma once

#include <nlohmann/json.hpp>

#include "base/std.h"
#include "cli/text.h"
#include "sdbus/compat.h"

namespace northstar::cli {

using Json = nlohmann::ordered_json;  // members stay in the order in which they were put there
using Options = std::map<std::string, sdbus::Variant>;

// A value of D-Bus as JSON.
[[nodiscard]] Json toJson(const sdbus::Variant& value);

// Properties of an object by the names that JSON has here: "MountPoint" becomes "mount_point".
[[nodiscard]] Json toJson(const Options& properties);

struct Column {
    std::string key;                                 // member of the row
    std::string title;                               // heading of the table
    std::function<std::string(const Json&)> text{};  // how the table shows it, if not as textOf()
};

// "yes", "no", numbers and text as they are, elements of lists with ", ": one line, for people.
[[nodiscard]] std::string textOf(const Json& value);

struct Table {
    std::vector<Column> columns;
    bool legend = true;                         // print the headings
    std::function<Color(const Json&)> color{};  // of a whole row
    // The columns of these keys, in that order; all if there are none. Throws a usage error for an unknown one.
    void choose(const std::vector<std::string>& keys);
    // rows: a JSON array of objects, of which only the columns are shown.
    void print(const Json& rows, const Palette& palette) const;
};

void printJson(const Json& json);  // indented, with a line end

// A line "key: value" for each member.
void printFields(const Json& fields);

}  // namespace northstar::cli
