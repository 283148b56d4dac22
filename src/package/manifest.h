// SPDX-License-Identifier: Apache-2.0
// What mounting needs to know of a package's manifest.yaml.
#pragma once

#include "base/std.h"
#include "package/container_name.h"

namespace northstar {

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

// Parses a manifest. Throws InvalidPackage for anything that the format does not allow: unknown or repeated
// keys, wrong types, values out of range.
[[nodiscard]] Manifest parseManifest(const std::string& yaml);

}  // namespace northstar
