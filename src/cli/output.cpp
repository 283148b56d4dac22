// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <fmt/format.h>

#include <iostream>

#include "base/utf8.h"
#include "cli/failure.h"

namespace northstar::cli {
namespace {

template <typename... Types>
Json valueOf(const sdbus::Variant& value, const std::string& type) {
    Json json = "(value of type " + type + ")";
    const auto take = [&]<typename T>(T) {
        if (!value.containsValueOfType<T>()) return false;
        json = value.get<T>();
        return true;
    };
    static_cast<void>((take(Types{}) || ...));
    return json;
}

std::string keyOf(const std::string& property) {
    std::string key;
    for (const char c : property) {
        const bool upper = c >= 'A' && c <= 'Z';
        if (upper && !key.empty()) key += '_';
        key += upper ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return key;
}

}  // namespace

Json toJson(const sdbus::Variant& value) {
    const std::string type{value.peekValueType()};
    if (type == "o") return std::string{value.get<sdbus::ObjectPath>()};
    if (type == "a{sv}") {
        Json json = Json::object();
        for (const auto& [key, inner] : value.get<Options>()) json[key] = toJson(inner);
        return json;
    }
    if (type == "a(sss)") {
        using Row = sdbus::Struct<std::string, std::string, std::string>;
        Json json = Json::array();
        for (const auto& row : value.get<std::vector<Row>>())
            json.push_back({row.get<0>(), row.get<1>(), row.get<2>()});
        return json;
    }
    return valueOf<std::string, bool, std::uint8_t, std::uint16_t, std::int32_t, std::uint32_t, std::int64_t,
                   std::uint64_t, double, std::vector<std::string>, std::map<std::string, std::string>>(value, type);
}

Json toJson(const Options& properties) {
    Json json = Json::object();
    for (const auto& [name, value] : properties) json[keyOf(name)] = toJson(value);
    return json;
}

std::string textOf(const Json& value) {
    if (value.is_null()) return "";
    if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
    if (value.is_string()) return plain(value.get<std::string>());
    if (!value.is_structured()) return dump(value);
    std::string list;
    for (const auto& [key, element] : value.items()) {
        list += list.empty() ? "" : ", ";
        if (value.is_object()) list += plain(key) + "=";
        list += textOf(element);
    }
    return list;
}

void Table::choose(const std::vector<std::string>& keys) {
    if (keys.empty()) return;
    std::vector<Column> chosen;
    for (const auto& key : keys) {
        const auto found = std::ranges::find(columns, key, &Column::key);
        if (found == columns.end()) {
            std::string known;
            for (const auto& column : columns) known += (known.empty() ? "" : ", ") + column.key;
            throw usageError(fmt::format("there is no column {}; there are {}", key, known));
        }
        chosen.push_back(*found);
    }
    columns = std::move(chosen);
}

void Table::print(const Json& rows, const Palette& palette) const {
    struct Line {
        std::vector<std::string> cells;
        Color color = Color::None;
    };
    std::vector<Line> lines;
    if (legend) {
        auto& heading = lines.emplace_back();
        for (const auto& column : columns) heading.cells.push_back(column.title);
    }
    for (const auto& row : rows) {
        auto& line = lines.emplace_back(Line{{}, color ? color(row) : Color::None});
        for (const auto& column : columns) {
            const Json value = row.value(column.key, Json{});
            line.cells.push_back(column.text ? plain(column.text(value)) : textOf(value));
        }
    }
    std::vector<std::size_t> widths(columns.size());
    for (const auto& line : lines) {
        for (std::size_t c = 0; c < line.cells.size(); ++c) widths[c] = std::max(widths[c], width(line.cells[c]));
    }
    for (const auto& line : lines) {
        std::string text;
        for (std::size_t c = 0; c < line.cells.size(); ++c) {
            text += line.cells[c];
            if (c + 1 < line.cells.size()) text.append(widths[c] + 2 - width(line.cells[c]), ' ');
        }
        std::cout << palette.paint(line.color, text) << '\n';
    }
}

void printJson(const Json& json) { std::cout << dump(json, 2) << std::endl; }

void printFields(const Json& fields) {
    for (const auto& [key, value] : fields.items()) std::cout << plain(key) << ": " << textOf(value) << '\n';
}

}  // namespace northstar::cli
