// SPDX-License-Identifier: Apache-2.0
// Values of D-Bus types as text and as JSON.
#include "cli/output.h"

#include <fmt/format.h>

#include <iostream>

#include "base/utf8.h"

namespace northstar::cli {
namespace {

// D-Bus strings are valid UTF-8, so only quotes, backslashes and control characters need escaping (RFC 8259, 7).
std::string quoted(const std::string& text) {
    std::string json = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            json += {'\\', c};
        } else if (static_cast<unsigned char>(c) < 0x20) {
            json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            json += c;
        }
    }
    return json + '"';
}

class Formatter {
public:
    explicit Formatter(bool json) : json_{json} {}

    std::string operator()(const std::string& text) const { return json_ ? quoted(text) : plain(text); }
    std::string operator()(bool value) const { return json_ ? (value ? "true" : "false") : (value ? "yes" : "no"); }
    template <typename Number>
        requires std::is_arithmetic_v<Number>
    std::string operator()(Number number) const {
        return std::to_string(number);
    }
    template <typename Value>
    std::string operator()(const std::vector<Value>& values) const {
        std::string list;
        for (const auto& value : values) list += (list.empty() ? "" : ", ") + (*this)(value);
        return json_ ? "[" + list + "]" : list;
    }
    template <typename Value>
    std::string operator()(const std::map<std::string, Value>& fields) const {
        std::string list;
        for (const auto& [key, value] : fields) {
            list += (list.empty() ? "" : ", ") + (*this)(key) + (json_ ? ": " : "=") + (*this)(value);
        }
        return json_ ? "{" + list + "}" : list;
    }
    std::string operator()(const sdbus::Variant& value) const {
        const std::string type{value.peekValueType()};
        if (type == "s") return (*this)(value.get<std::string>());
        if (type == "o") return (*this)(std::string{value.get<sdbus::ObjectPath>()});
        if (type == "b") return (*this)(value.get<bool>());
        if (type == "y") return (*this)(value.get<std::uint8_t>());
        if (type == "q") return (*this)(value.get<std::uint16_t>());
        if (type == "i") return (*this)(value.get<std::int32_t>());
        if (type == "u") return (*this)(value.get<std::uint32_t>());
        if (type == "x") return (*this)(value.get<std::int64_t>());
        if (type == "t") return (*this)(value.get<std::uint64_t>());
        if (type == "d") return (*this)(value.get<double>());
        if (type == "as") return (*this)(value.get<std::vector<std::string>>());
        if (type == "a{ss}") return (*this)(value.get<std::map<std::string, std::string>>());
        if (type == "a{sv}") return (*this)(value.get<std::map<std::string, sdbus::Variant>>());
        return (*this)("(value of type " + type + ")");
    }

private:
    bool json_;
};

void printJson(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows) {
    const Formatter json{true};
    std::string text = "[";
    for (std::size_t r = 0; r < rows.size(); ++r) {
        text += r == 0 ? "\n  {" : ",\n  {";
        for (std::size_t c = 0; c < columns.size(); ++c) {
            text += (c == 0 ? "" : ", ") + quoted(columns[c].key) + ": " + std::visit(json, rows[r][c]);
        }
        text += "}";
    }
    std::cout << text << (rows.empty() ? "]\n" : "\n]\n");
}

}  // namespace

std::string plain(std::string text) {
    std::ranges::replace_if(text, isAsciiControl, '?');
    return text;
}

void printTable(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows, bool json) {
    if (json) return printJson(columns, rows);
    std::vector<std::vector<std::string>> lines(1);
    for (const auto& column : columns) lines.front().push_back(column.title);
    for (const auto& row : rows) {
        auto& line = lines.emplace_back();
        for (const auto& cell : row) line.push_back(std::visit(Formatter{false}, cell));
    }
    std::vector<std::size_t> widths(columns.size());
    for (const auto& line : lines) {
        for (std::size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], line[c].size());
    }
    for (auto& line : lines) {
        for (std::size_t c = 0; c + 1 < line.size(); ++c) {
            line[c].resize(widths[c] + 2, ' ');
            std::cout << line[c];
        }
        std::cout << line.back() << '\n';
    }
}

void printFields(const Options& fields, bool json) {
    if (json) {
        std::cout << Formatter{true}(fields) << '\n';
        return;
    }
    for (const auto& [key, value] : fields) std::cout << plain(key) << ": " << Formatter{false}(value) << '\n';
}

}  // namespace northstar::cli
