// SPDX-License-Identifier: Apache-2.0
// What mounting needs to know of a package's manifest.yaml.
#pragma once

#include <compare>

#include "base/std.h"
#include "package/container_name.h"

namespace northstar {

// A semantic version, ordered by precedence (semver.org 2.0.0, section 11).
class Version {
public:
    // nullopt if the text is not MAJOR.MINOR.PATCH[-PRERELEASE][+BUILD] or a number does not fit 64 bits.
    [[nodiscard]] static std::optional<Version> parse(std::string_view text);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    [[nodiscard]] std::strong_ordering operator<=>(const Version& other) const noexcept;
    bool operator==(const Version& other) const noexcept { return (*this <=> other) == 0; }

    std::uint64_t major = 0, minor = 0, patch = 0;
    std::string prerelease, build;

private:
    std::string text_;
};

struct Manifest {
    std::string name;  // 1 to 1024 characters of [0-9A-Za-z._-], not "." or ".."
    Version version;
    std::optional<std::string> init;          // absent: a resource container
    std::uint16_t uid = 0, gid = 0;           // 1 to 65535
    std::optional<std::string> mountContext;  // SELinux context for the mount: [A-Za-z0-9:_.,-] only
    std::optional<std::string> execContext;

    // "name:version", what a container is called everywhere.
    [[nodiscard]] ContainerName containerName() const { return {name, version.text()}; }
    [[nodiscard]] std::string container() const { return containerName().text(); }
};

// Is this what a container may be named? The name becomes one component of a path.
[[nodiscard]] bool isContainerName(std::string_view name);

// Parses a manifest. Throws InvalidPackage for anything that the format does not allow: unknown or repeated
// keys, wrong types, values out of range.
[[nodiscard]] Manifest parseManifest(const std::string& yaml);

}  // namespace northstar
