// SPDX-License-Identifier: Apache-2.0
// What a container is called: "name:version", or "name" where all its versions are meant.
#pragma once

#include "base/std.h"

namespace northstar {

struct ContainerName {
    std::string name, version;  // an empty version: any

    // nullopt for what no container can be called: see isContainerName() and Version.
    [[nodiscard]] static std::optional<ContainerName> parse(std::string_view text);

    [[nodiscard]] std::string text() const { return version.empty() ? name : name + ":" + version; }
    // As texts are compared, not by precedence of versions: for keys.
    auto operator<=>(const ContainerName&) const = default;
};

}  // namespace northstar
