// SPDX-License-Identifier: Apache-2.0
// The part of YAML that packages need, read strictly: one document, no aliases, no repeated keys, bounded
// depth. What is left is a plain tree, so that nothing behind this header knows a YAML library. Internal.
#pragma once

#include <initializer_list>

#include "base/std.h"

namespace northstar {

struct YamlNode {
    enum class Kind { Null, Scalar, Sequence, Map };
    // How it is written: a scalar without quotes; with an explicit tag, such as !name or !!str; anything else.
    enum class Style { Plain, Tagged, Quoted };

    Kind kind = Kind::Null;
    Style style = Style::Quoted;
    std::string scalar;
    // Of a map: its keys and values. Of a sequence: its values, without keys.
    struct Child;
    std::vector<Child> children;
};

struct YamlNode::Child {
    std::string key;
    YamlNode value;
};

// Throws InvalidPackage; `what` is what messages call the document ("manifest.yaml").
[[nodiscard]] YamlNode readYaml(const std::string& text, const std::string& what);

// Reads one map whose keys are all known. Every member throws InvalidPackage, naming the key.
class YamlMap {
public:
    // Refuses what is no map, and keys that are not among `known`. Both must outlive this object.
    YamlMap(const YamlNode& node, std::string where, std::initializer_list<std::string_view> known);

    // nullptr if the key is absent, or there but null.
    [[nodiscard]] const YamlNode* find(std::string_view key) const;
    [[nodiscard]] const YamlNode& require(std::string_view key) const;

    // A string of one line, without control characters.
    [[nodiscard]] std::optional<std::string> findText(std::string_view key) const;
    [[nodiscard]] std::string text(std::string_view key) const;

    // A decimal number without sign, quotes or leading zeros.
    [[nodiscard]] std::uint64_t number(std::string_view key) const;

    [[noreturn]] void refuse(std::string_view key, const std::string& why) const;

private:
    const YamlNode& node_;
    std::string where_;
};

}  // namespace northstar
