// SPDX-License-Identifier: Apache-2.0
// What a container is called: "name:version", or "name" where all its versions are meant; and what names and versions
// there are.
#pragma once

#include <compare>

#include "base/std.h"

namespace northstar {

// Is this what a container may be named? The name becomes one component of a path.
[[nodiscard]] bool isContainerName(std::string_view name);

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

struct ContainerName {
    std::string name, version;  // an empty version: any

    // nullopt for what no container can be called: see isContainerName() and Version.
    [[nodiscard]] static std::optional<ContainerName> parse(std::string_view text);

    [[nodiscard]] std::string text() const { return version.empty() ? name : name + ":" + version; }
    // As texts are compared, not by precedence of versions: for keys.
    auto operator<=>(const ContainerName&) const = default;
};

// What callers call containers by: "name", "name:version", or "name:1" and "name:1.2" for the versions that begin so;
// each also behind "repository/".
struct ContainerPattern {
    std::string repository{};    // empty: any
    ContainerName container{};   // with a whole version, or any
    std::string versionBegin{};  // "1." or "1.2."; empty: what `container` says

    // nullopt for what can mean no container.
    [[nodiscard]] static std::optional<ContainerPattern> parse(std::string_view text);

    [[nodiscard]] bool matches(const ContainerName& other) const;
};

}  // namespace northstar
