// SPDX-License-Identifier: Apache-2.0
#include "package/manifest.h"

#include "base/error.h"
#include "base/utf8.h"
#include "package/yaml/yaml_reader.h"

namespace northstar {
namespace {

const std::string kManifest = "manifest.yaml";
constexpr std::size_t kMaxContext = 4096;  // ours: a mount option has to fit a page

// uid 0 is refused: a container never runs as root.
std::uint16_t parseId(const YamlMap& map, std::string_view key) {
    const std::uint64_t id = map.number(key);
    if (id < 1 || id > 65535) map.refuse(key, "is not between 1 and 65535");
    return static_cast<std::uint16_t>(id);
}

// What the mount option is made of, so nothing that could end the quoting there: context="...".
std::optional<std::string> parseContext(const YamlMap& map, std::string_view key) {
    auto context = map.findText(key);
    if (!context) return std::nullopt;
    const auto isAllowed = [](char c) {
        return isAsciiAlphanumeric(c) || std::string_view{":_.,-"}.find(c) != std::string_view::npos;
    };
    if (context->empty() || context->size() > kMaxContext || !std::ranges::all_of(*context, isAllowed)) {
        map.refuse(key, "is not an SELinux context (letters, digits and : _ . , - are allowed)");
    }
    return context;
}

}  // namespace

Manifest parseManifest(const std::string& yaml) {
    const YamlNode root = readYaml(yaml, kManifest);
    // The second row says how to run a container: carried along, not looked at.
    const YamlMap map{
        root, kManifest, {"name",    "version",      "init",         "uid",       "gid",     "selinux",  //
                          "args",    "env",          "mounts",       "autostart", "cgroups", "network",
                          "seccomp", "capabilities", "suppl_groups", "rlimits",   "sockets", "io",
                          "sched",   "console",      "custom"}};
    Manifest manifest;
    manifest.name = map.text("name");
    if (!isContainerName(manifest.name)) {
        map.refuse("name", "is not 1 to 1024 characters of [0-9A-Za-z._-], or is '.' or '..'");
    }
    const auto version = Version::parse(map.text("version"));
    if (!version) map.refuse("version", "is not a semantic version (MAJOR.MINOR.PATCH)");
    manifest.version = *version;
    manifest.init = map.findText("init");
    manifest.uid = parseId(map, "uid");
    manifest.gid = parseId(map, "gid");
    if (const YamlNode* selinux = map.find("selinux")) {
        const YamlMap contexts{*selinux, kManifest + " at selinux", {"mount_context", "exec"}};
        manifest.mountContext = parseContext(contexts, "mount_context");
        manifest.execContext = parseContext(contexts, "exec");
    }
    return manifest;
}

}  // namespace northstar
