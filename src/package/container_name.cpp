// SPDX-License-Identifier: Apache-2.0
// Semantic versions (semver.org 2.0.0): their grammar and their order.
#include "package/container_name.h"

#include <tuple>

#include "base/checked.h"
#include "base/utf8.h"

namespace northstar {
namespace {

constexpr std::size_t kMaxName = 1024;
constexpr std::size_t kMaxLength = 128;  // ours: "name:version" has to fit a file name

bool isIdentifierChar(char c) { return isAsciiAlphanumeric(c) || c == '-'; }
bool isNumeric(std::string_view text) { return std::ranges::all_of(text, isAsciiDigit); }

// Cuts `text` at the first `separator`; the part after it, or nothing if there is none.
std::optional<std::string_view> cut(std::string_view& text, char separator) {
    const std::size_t at = text.find(separator);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(at + 1);
    text = text.substr(0, at);
    return rest;
}

// Sections 2 and 9: numbers have no leading zeros, nor have numeric identifiers of a pre-release.
bool isPadded(std::string_view text) { return text.size() > 1 && text.front() == '0' && isNumeric(text); }

bool readNumber(std::string_view text, std::uint64_t& number) {
    const auto parsed = parseNumber<std::uint64_t>(text);
    number = parsed.value_or(0);
    return parsed && !isPadded(text);
}

// Dot separated identifiers, none empty.
bool areIdentifiers(std::string_view text, bool prerelease) {
    std::optional<std::string_view> rest = text;
    while (rest) {
        std::string_view identifier = *rest;
        rest = cut(identifier, '.');
        if (identifier.empty() || !std::ranges::all_of(identifier, isIdentifierChar)) return false;
        if (prerelease && isPadded(identifier)) return false;
    }
    return true;
}

// Section 11.4: numbers by value and before names, names by their ASCII bytes.
std::strong_ordering compareIdentifiers(std::string_view a, std::string_view b) {
    const bool numeric = isNumeric(a);
    if (numeric != isNumeric(b)) return numeric ? std::strong_ordering::less : std::strong_ordering::greater;
    if (numeric && a.size() != b.size()) return a.size() <=> b.size();  // no leading zeros: longer is larger
    return a.compare(b) <=> 0;
}

std::strong_ordering comparePrereleases(std::string_view a, std::string_view b) {
    if (a.empty() || b.empty()) return a.empty() <=> b.empty();  // a release comes after its pre-releases
    std::optional<std::string_view> restA = a, restB = b;
    while (restA && restB) {
        std::string_view identifierA = *restA, identifierB = *restB;
        restA = cut(identifierA, '.');
        restB = cut(identifierB, '.');
        if (const auto order = compareIdentifiers(identifierA, identifierB); order != 0) return order;
    }
    return restA.has_value() <=> restB.has_value();
}

// MAJOR or MAJOR.MINOR.
bool isVersionBegin(std::string_view text) {
    const auto minor = cut(text, '.');
    std::uint64_t ignored = 0;
    return readNumber(text, ignored) && (!minor || readNumber(*minor, ignored));
}

}  // namespace

bool isContainerName(std::string_view name) {
    const auto isAllowed = [](char c) { return isAsciiAlphanumeric(c) || c == '.' || c == '_' || c == '-'; };
    return !name.empty() && name.size() <= kMaxName && name != "." && name != ".." &&
           std::ranges::all_of(name, isAllowed);
}

std::optional<Version> Version::parse(std::string_view text) {
    if (text.size() > kMaxLength) return std::nullopt;
    Version version;
    version.text_ = text;
    std::string_view core = text;
    const auto build = cut(core, '+');
    const auto prerelease = cut(core, '-');
    const auto afterMajor = cut(core, '.');
    std::string_view minorText = afterMajor.value_or("");
    const auto patchText = cut(minorText, '.');
    if (!patchText || !readNumber(core, version.major) || !readNumber(minorText, version.minor) ||
        !readNumber(*patchText, version.patch)) {
        return std::nullopt;
    }
    if (prerelease && !areIdentifiers(*prerelease, true)) return std::nullopt;
    if (build && !areIdentifiers(*build, false)) return std::nullopt;
    version.prerelease = prerelease.value_or("");
    version.build = build.value_or("");
    return version;
}

std::strong_ordering Version::operator<=>(const Version& other) const noexcept {
    const auto order = std::tie(major, minor, patch) <=> std::tie(other.major, other.minor, other.patch);
    if (order != 0) return order;
    return comparePrereleases(prerelease, other.prerelease);
}

std::optional<ContainerName> ContainerName::parse(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    if (!isContainerName(name)) return std::nullopt;
    if (colon == std::string_view::npos) return ContainerName{std::string{name}, {}};
    const std::string_view version = text.substr(colon + 1);
    if (!Version::parse(version)) return std::nullopt;
    return ContainerName{std::string{name}, std::string{version}};
}

std::optional<ContainerPattern> ContainerPattern::parse(std::string_view text) {
    ContainerPattern pattern;
    if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
        if (slash == 0) return std::nullopt;
        pattern.repository = text.substr(0, slash);
        text.remove_prefix(slash + 1);
    }
    if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
        const std::string_view version = text.substr(colon + 1);
        if (isVersionBegin(version)) {
            pattern.versionBegin = std::string{version} + ".";
            text = text.substr(0, colon);
        }
    }
    auto container = ContainerName::parse(text);
    if (!container) return std::nullopt;
    pattern.container = std::move(*container);
    return pattern;
}

bool ContainerPattern::matches(const ContainerName& other) const {
    if (other.name != container.name) return false;
    if (!versionBegin.empty()) return other.version.starts_with(versionBegin);
    return container.version.empty() || container.version == other.version;
}

}  // namespace northstar
