// SPDX-License-Identifier: Apache-2.0
#include "package/container_name.h"

#include "package/manifest.h"

namespace northstar {

std::optional<ContainerName> ContainerName::parse(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    if (!isContainerName(name)) return std::nullopt;
    if (colon == std::string_view::npos) return ContainerName{std::string{name}, {}};
    const std::string_view version = text.substr(colon + 1);
    if (!Version::parse(version)) return std::nullopt;
    return ContainerName{std::string{name}, std::string{version}};
}

}  // namespace northstar
