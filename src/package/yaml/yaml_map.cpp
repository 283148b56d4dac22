// SPDX-License-Identifier: Apache-2.0
// Typed access to one map of a YAML document.
#include <charconv>
#include <initializer_list>
#include <system_error>

#include "base/error.h"
#include "base/std.h"
#include "base/utf8.h"
#include "package/yaml/yaml_reader.h"

namespace northstar {

YamlMap::YamlMap(const YamlNode& node, std::string where, std::initializer_list<std::string_view> known)
    : node_{node}, where_{std::move(where)} {
    if (node.kind != YamlNode::Kind::Map || node.tagged) {
        throw Error{Code::InvalidPackage, "Invalid " + where_ + ": it is not a map of keys and values"};
    }
    for (const auto& [key, value] : node.children) {
        if (std::find(known.begin(), known.end(), key) == known.end()) refuse(key, "is not known");
    }
}

const YamlNode* YamlMap::find(std::string_view key) const {
    const auto found = std::ranges::find_if(node_.children, [&](const auto& child) { return child.key == key; });
    if (found == node_.children.end() || found->value.kind == YamlNode::Kind::Null) return nullptr;
    return &found->value;
}

const YamlNode& YamlMap::require(std::string_view key) const {
    const YamlNode* node = find(key);
    if (node == nullptr) refuse(key, "is missing");
    return *node;
}

std::optional<std::string> YamlMap::findText(std::string_view key) const {
    const YamlNode* node = find(key);
    if (node == nullptr) return std::nullopt;
    if (node->kind != YamlNode::Kind::Scalar || node->tagged) refuse(key, "is not a string");
    if (std::ranges::any_of(node->scalar, isAsciiControl)) refuse(key, "has a control character");
    return node->scalar;
}

std::string YamlMap::text(std::string_view key) const {
    auto value = findText(key);
    if (!value) refuse(key, "is missing");
    return *std::move(value);
}

std::uint64_t YamlMap::number(std::string_view key) const {
    const std::string value = text(key);
    const bool plain = require(key).plain;
    const bool padded = value.size() > 1 && value.front() == '0';
    std::uint64_t number = 0;
    const char* end = value.data() + value.size();
    const auto [parsed, failure] = std::from_chars(value.data(), end, number);
    if (!plain || padded || failure != std::errc{} || parsed != end) refuse(key, "is not a decimal number");
    return number;
}

void YamlMap::refuse(std::string_view key, const std::string& why) const {
    throw Error{Code::InvalidPackage, "Invalid " + where_ + ": the key '" + printable(std::string{key}) + "' " + why};
}

}  // namespace northstar
