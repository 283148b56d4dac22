// SPDX-License-Identifier: Apache-2.0
// What northstarctl prints on standard output: a table for people or JSON for programs.
#pragma once

#include <variant>

#include "base/std.h"
#include "cli/client.h"

namespace northstar::cli {

struct Column {
    std::string title;  // heading of the table
    std::string key;    // member of the JSON object
};
using Cell = std::variant<std::string, bool, std::uint32_t, std::uint64_t, std::vector<std::string>>;

// One line of any length: what would move a terminal's cursor or start an escape sequence becomes '?'.
[[nodiscard]] std::string plain(std::string text);

// Each row has a cell per column. JSON: an array of objects.
void printTable(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows, bool json);

// A line "key: value" each, by name. JSON: one object.
void printFields(const Options& fields, bool json);

}  // namespace northstar::cli
