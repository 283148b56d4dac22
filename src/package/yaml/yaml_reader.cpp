// SPDX-License-Identifier: Apache-2.0
// yaml-cpp's parser drives a builder that refuses while it builds: a hostile document is dropped at the first
// event that is not allowed, before it has become large.
#include "package/yaml/yaml_reader.h"

#include <fmt/format.h>
#include <yaml-cpp/anchor.h>
#include <yaml-cpp/emitterstyle.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <set>
#include <sstream>

#include "base/checked.h"
#include "base/error.h"
#include "base/utf8.h"

namespace northstar {
namespace {

constexpr std::size_t kMaxDepth = 32;  // ours: the deepest manifest in use has about 5 levels
// Ours. yaml-cpp keeps a token of about 100 bytes for each open bracket until it knows that no ':' follows.
constexpr std::ptrdiff_t kMaxBrackets = 4096;

bool isStrangeControl(char c) { return isAsciiControl(c) && c != '\n' && c != '\t'; }

class StrictBuilder final : public YAML::EventHandler {
public:
    explicit StrictBuilder(const std::string& what) : what_{what} {}

    YamlNode take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        open(mark, "", anchor, YamlNode::Kind::Null);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse(mark, "aliases are not allowed"); }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        if (std::ranges::any_of(value, isStrangeControl)) refuse(mark, "control character in a string");
        if (expectsKey()) {
            if (std::ranges::any_of(value, isAsciiControl)) refuse(mark, "control character in a key");
            takeKey(mark, value, anchor);
            return;
        }
        YamlNode& node = open(mark, tag, anchor, YamlNode::Kind::Scalar);
        node.scalar = value;
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        push(mark, open(mark, tag, anchor, YamlNode::Kind::Sequence));
    }
    void OnSequenceEnd() override { stack_.pop_back(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        push(mark, open(mark, tag, anchor, YamlNode::Kind::Map));
    }
    void OnMapEnd() override { stack_.pop_back(); }

private:
    // Pointers stay good: a vector only grows while its last element is not being filled.
    struct Level {
        YamlNode* node;
        bool hasKey = false;  // of a map: the key has come, its value has not
        std::set<std::string> keys;
    };

    [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& why) const {
        throw Error{Code::InvalidPackage, fmt::format("Invalid {}, line {}: {}", what_, mark.line + 1, why)};
    }

    [[nodiscard]] bool expectsKey() const {
        return !stack_.empty() && stack_.back().node->kind == YamlNode::Kind::Map && !stack_.back().hasKey;
    }

    void takeKey(const YAML::Mark& mark, const std::string& key, YAML::anchor_t anchor) {
        if (anchor != 0) refuse(mark, "anchors are not allowed");
        Level& level = stack_.back();
        if (!level.keys.insert(key).second) refuse(mark, "the key '" + printable(key) + "' is there twice");
        level.node->children.push_back({key, {}});
        level.hasKey = true;
    }

    // The place for the value that begins.
    YamlNode& open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
        if (anchor != 0) refuse(mark, "anchors are not allowed");
        if (expectsKey()) refuse(mark, "a key must be a string");
        YamlNode& node = place();
        node.kind = kind;
        // yaml-cpp's own words for "no tag": "?" for plain scalars, "!" for quoted ones, "" for the rest.
        if (tag == "?") node.style = YamlNode::Style::Plain;
        if (!tag.empty() && tag != "?" && tag != "!") node.style = YamlNode::Style::Tagged;
        return node;
    }

    YamlNode& place() {
        if (stack_.empty()) return root_;
        Level& level = stack_.back();
        if (level.node->kind == YamlNode::Kind::Sequence) level.node->children.emplace_back();
        level.hasKey = false;
        return level.node->children.back().value;
    }

    void push(const YAML::Mark& mark, YamlNode& node) {
        if (stack_.size() >= kMaxDepth) refuse(mark, "nested too deeply");
        stack_.push_back(Level{&node, false, {}});
    }

    const std::string& what_;
    YamlNode root_;
    std::vector<Level> stack_;
};

}  // namespace

YamlNode readYaml(const std::string& text, const std::string& what) {
    const auto refuse = [&](const std::string& why) {
        throw Error{Code::InvalidPackage, fmt::format("Invalid {}: {}", what, why)};
    };
    // Raw control characters have no place in YAML, and yaml-cpp takes 0x04 for the end of the text: what follows
    // it would be signed, but not read. This also refuses UTF-16 and UTF-32.
    const bool strange = std::ranges::any_of(text, [](char c) { return isStrangeControl(c) && c != '\r'; });
    if (strange) refuse("it has control characters or is not UTF-8");
    const auto brackets = std::ranges::count_if(text, [](char c) { return c == '[' || c == '{'; });
    if (brackets > kMaxBrackets) refuse("more than 4096 brackets");
    StrictBuilder builder{what}, second{what};
    try {
        std::istringstream stream{text};
        YAML::Parser parser{stream};
        if (!parser.HandleNextDocument(builder)) refuse("it is empty");
        if (parser.HandleNextDocument(second)) refuse("more than one document");
    } catch (const YAML::Exception& error) {
        refuse(printable(error.what()));
    }
    return builder.take();
}

YamlMap::YamlMap(const YamlNode& node, std::string where, std::initializer_list<std::string_view> known)
    : node_{node}, where_{std::move(where)} {
    if (node.kind != YamlNode::Kind::Map || node.style == YamlNode::Style::Tagged) {
        throw Error{Code::InvalidPackage, fmt::format("Invalid {}: it is not a map of keys and values", where_)};
    }
    for (const auto& [key, value] : node.children) {
        if (std::ranges::find(known, key) == known.end()) refuse(key, "is not known");
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
    if (node->kind != YamlNode::Kind::Scalar || node->style == YamlNode::Style::Tagged) refuse(key, "is not a string");
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
    const bool padded = value.size() > 1 && value.front() == '0';
    const auto number = parseNumber<std::uint64_t>(value);
    if (require(key).style != YamlNode::Style::Plain || padded || !number) refuse(key, "is not a decimal number");
    return *number;
}

void YamlMap::refuse(std::string_view key, const std::string& why) const {
    throw Error{Code::InvalidPackage,
                fmt::format("Invalid {}: the key '{}' {}", where_, printable(std::string{key}), why)};
}

}  // namespace northstar
