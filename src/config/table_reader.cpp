// SPDX-License-Identifier: Apache-2.0
#include "config/table_reader.h"

#include "base/error.h"
#include "base/utf8.h"
#include "config/suggestion.h"
#include "config/units.h"
#include "config/value.h"

namespace northstar {
namespace {

// A value as an error quotes it.
std::string quoted(const toml::node& node) {
    if (const auto text = node.value_exact<std::string>()) return "\"" + printable(*text) + "\" ";
    if (const auto number = node.value_exact<std::int64_t>()) return fmt::format("{} ", *number);
    return "";
}

}  // namespace

const toml::node* TableReader::find(const std::string& key) {
    known_.insert(key);
    const auto* node = table_.get(key);
    if (node != nullptr) reading_.places[prefix_ + key] = reading_.at(node->source());
    return node;
}

const toml::table* TableReader::table(const std::string& key) {
    const auto* node = find(key);
    if (node != nullptr && !node->is_table()) problem(*node, key, "must be a table");
    return node != nullptr ? node->as_table() : nullptr;
}

std::optional<std::string> TableReader::absolutePath(const std::string& key, const toml::node& node,
                                                     const char* wrong) const {
    auto text = node.value_exact<std::string>();
    if (!text || !text->starts_with('/')) {
        problem(node, key, wrong);
        return std::nullopt;
    }
    if (hasControls(*text)) {
        problem(node, key, "must not contain control characters");
        return std::nullopt;
    }
    return text;
}

void TableReader::path(const std::string& key, std::string& value) {
    const auto* node = find(key);
    if (node == nullptr) return;
    auto text = absolutePath(key, *node, "must be an absolute path");
    if (!text) return;
    while (text->size() > 1 && text->back() == '/') text->pop_back();
    value = std::move(*text);
}

void TableReader::ownDirectory(const std::string& key, std::string& value) {
    const auto* node = find(key);
    if (node == nullptr) return;
    const auto text = node->value_exact<std::string>();
    try {
        if (!text) throw Error{Code::Failed, "must be a string"};
        value = resolveDirectory(*text);
    } catch (const Error& error) {
        problem(*node, key, error.what());
    }
}

void TableReader::paths(const std::string& key, std::vector<std::string>& value) {
    constexpr const char* kWrong = "must be a list of absolute paths";
    const auto* node = find(key);
    if (node == nullptr) return;
    if (!node->is_array()) {
        problem(*node, key, kWrong);
        return;
    }
    std::vector<std::string> files;
    for (const auto& item : *node->as_array()) {
        auto file = absolutePath(key, item, kWrong);
        if (!file) continue;
        reading_.places[fmt::format("{}{}.{}", prefix_, key, files.size())] = reading_.at(item.source());
        files.push_back(std::move(*file));
    }
    value = std::move(files);
}

void TableReader::boolean(const std::string& key, bool& value) {
    const auto* node = find(key);
    if (node == nullptr) return;
    if (const auto given = node->value_exact<bool>()) {
        value = *given;
    } else {
        problem(*node, key, "must be true or false");
    }
}

void TableReader::count(const std::string& key, std::uint32_t& value, std::uint32_t most) {
    const auto* node = find(key);
    if (node == nullptr) return;
    const auto number = node->value_exact<std::int64_t>();
    if (number && *number >= 0 && *number <= most) {
        value = static_cast<std::uint32_t>(*number);
    } else {
        problem(*node, key, fmt::format("must be a whole number from 0 to {}", most));
    }
}

void TableReader::duration(const std::string& key, std::chrono::milliseconds& value) {
    const auto* node = find(key);
    if (node == nullptr) return;
    const auto text = node->value_exact<std::string>();
    if (const auto time = text ? parseDuration(*text) : std::nullopt) {
        value = *time;
    } else {
        problem(*node, key, quoted(*node) + "is no time up to a day; write one like \"5s\", \"200ms\" or \"1min 30s\"");
    }
}

void TableReader::size(const std::string& key, std::uint64_t& value) {
    const auto* node = find(key);
    if (node == nullptr) return;
    const auto text = node->value_exact<std::string>();
    const auto number = node->value_exact<std::int64_t>();
    auto size = text ? parseSize(*text) : std::nullopt;
    if (number && *number >= 0) size = static_cast<std::uint64_t>(*number);
    if (size) {
        value = *size;
    } else {
        problem(
            *node, key,
            quoted(*node) + "is no size below 16 EiB; write one like \"100MB\" or \"1.5GiB\", or a number of bytes");
    }
}

void TableReader::problem(const toml::node& where, const std::string& key, const std::string& what) const {
    reading_.problems.add(reading_.at(where.source()), fmt::format("{}{}: {}", prefix_, key, what));
}

void TableReader::refuseUnknown(std::string_view northstar) const {
    for (const auto& [key, node] : table_) {
        const std::string name{key.str()};
        if (known_.contains(name)) continue;
        std::string meant = successorOfNorthstar(northstar, name);
        if (const std::string near = nearestName(name, known_); meant.empty() && !near.empty()) {
            meant = fmt::format("did you mean \"{}\"?", near);
        }
        const auto& where = key.source().begin.line != 0 ? key.source() : node.source();
        reading_.problems.add(reading_.at(where),
                              fmt::format("{}{}: unknown {}{}{}", prefix_, printable(name),
                                          node.is_table() ? "table" : "key", meant.empty() ? "" : "; ", meant));
    }
}

}  // namespace northstar
