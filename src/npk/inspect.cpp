// SPDX-License-Identifier: Apache-2.0
// inspect: all that a package says of itself, as text or JSON, also of one that does not verify.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <nlohmann/json_fwd.hpp>
#include <sstream>

#include "base/checked.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "npk/commands.h"
#include "npk/keys.h"
#include "npk/progress.h"
#include "npk/shown.h"
#include "npk/verified.h"
#include "package/image/superblock.h"
#include "package/inspection.h"
#include "package/keys.h"
#include "package/package.h"
#include "package/yaml/yaml_reader.h"

namespace northstar::npk {
namespace {

using Json = nlohmann::ordered_json;

// What YAML 1.2 takes a plain scalar for: null, true and false, decimal numbers. Everything else is text.
Json scalar(const YamlNode& node) {
    if (node.style == YamlNode::Style::Plain) {
        if (node.scalar == "true" || node.scalar == "false") return node.scalar == "true";
        if (const auto number = parseNumber<std::int64_t>(node.scalar)) return *number;
    }
    return shown(node.scalar);
}

Json toJson(const YamlNode& node) {
    switch (node.kind) {
        case YamlNode::Kind::Null: return nullptr;
        case YamlNode::Kind::Scalar: return scalar(node);
        case YamlNode::Kind::Sequence: {
            Json list = Json::array();
            for (const auto& child : node.children) list.push_back(toJson(child.value));
            return list;
        }
        case YamlNode::Kind::Map: {
            Json map = Json::object();
            for (const auto& child : node.children) map[shown(child.key)] = toJson(child.value);
            return map;
        }
    }
    return nullptr;
}

Json manifestJson(const Inspection& found) {
    try {
        return toJson(readYaml(found.manifestText, "manifest.yaml"));
    } catch (const Error&) {
        return nullptr;  // its problem is told already
    }
}

Json toJson(const Inspection& found, bool verified, const std::string& file) {
    Json json;
    json["file"] = shown(file);
    json["size"] = found.size;
    json["comment"] = shown(found.comment.substr(0, found.comment.find('\n')));
    json["container"] = found.manifest ? Json(found.manifest->container()) : Json();
    json["signed"] = found.isSigned;
    json["signer"] = found.signer.empty() ? Json() : Json(found.signer);
    json["verified"] = verified;
    json["problems"] = Json::array();
    for (const std::string& problem : found.problems) json["problems"].push_back(shown(problem));
    json["manifest"] = manifestJson(found);
    json["image"] = {{"offset", found.image.offset}, {"size", found.image.size}};
    if (const auto& filesystem = found.filesystem) {
        json["filesystem"] = {{"type", toString(filesystem->type)},  {"compression", filesystem->compression},
                              {"block_size", filesystem->blockSize}, {"bytes_used", filesystem->bytesUsed},
                              {"inodes", filesystem->inodes},        {"created", filesystem->created}};
    } else {
        json["filesystem"] = nullptr;
    }
    if (found.claimed) {
        json["verity"] = {{"root_hash", toHex(found.claimed->rootHash)}, {"offset", found.claimed->verityOffset}};
        if (found.verity) {
            json["verity"]["data_blocks"] = found.verity->dataBlocks;
            json["verity"]["hash_blocks"] = found.verity->hashBlocks();
            json["verity"]["salt"] = toHex(found.verity->salt);
        }
    } else {
        json["verity"] = nullptr;
    }
    return json;
}

void line(const char* what, const std::string& value) { std::cout << fmt::format("{:<13} {}\n", what, value); }

std::string bytesText(std::uint64_t bytes) {
    return bytes < 1024 ? sizeText(bytes) : fmt::format("{} bytes ({})", bytes, sizeText(bytes));
}

std::string signatureText(const Common& common, const Inspection& found, bool verified) {
    if (!found.isSigned) return "none: the package is not signed";
    if (common.keys.empty()) return "there is one; not checked, as no --key was given";
    if (found.signer.empty()) return "by none of the given keys";
    return "by " + found.signer + (verified ? "" : ", but the package does not verify");
}

void printText(const Common& common, const Inspection& found, bool verified) {
    line("container", found.manifest ? found.manifest->container() : "unknown: the manifest is not good");
    line("file", bytesText(found.size));
    line("format", shown(found.comment.substr(0, found.comment.find('\n'))));
    line("signature", signatureText(common, found, verified));
    line("image", fmt::format("{} at byte {}", bytesText(found.image.size), found.image.offset));
    if (const auto& filesystem = found.filesystem) {
        line("filesystem", fmt::format("{}, {}, blocks of {}, {} inodes, {} used", toString(filesystem->type),
                                       filesystem->compression, filesystem->blockSize, filesystem->inodes,
                                       bytesText(filesystem->bytesUsed)));
    }
    if (found.claimed) line("root hash", toHex(found.claimed->rootHash));
    if (found.verity) {
        line("hash tree", fmt::format("{} blocks of data, {} of hashes, salt {}", found.verity->dataBlocks,
                                      found.verity->hashBlocks(), toHex(found.verity->salt)));
    }
    for (const std::string& problem : found.problems) line("problem", shown(problem));
    std::cout << "manifest\n";
    std::istringstream lines{found.manifestText};
    for (std::string text; std::getline(lines, text);) std::cout << "  " << shown(text) << '\n';
}

}  // namespace

void inspect(const Common& common) {
    const UniqueFd package = openPackageFile(common.file);
    const KeyRing keys = publicKeys(common);
    const Inspection found = about(common.file, "inspect", [&] { return inspectPackage(package.get(), keys); });
    // Signature, hashes and superblock; verify reads the blocks.
    const bool verified = found.problems.empty() && !found.signer.empty();
    if (common.json) {
        std::cout << toJson(found, verified, common.file).dump(2) << '\n';
    } else {
        printText(common, found, verified);
    }
    if (common.keys.empty() || verified) return;
    throw Error{Code::InvalidSignature,
                "The package " + printable(common.file) + " does not verify: " + found.problems.front()};
}

}  // namespace northstar::npk
