// SPDX-License-Identifier: Apache-2.0
// Semantic versions (semver.org 2.0.0): their grammar and their order.
#include <charconv>
#include <compare>
#include <system_error>

#include "base/std.h"
#include "package/manifest.h"

namespace northstar {
namespace {

constexpr std::size_t kMaxLength = 128;  // ours: "name:version" has to fit a file name

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isIdentifierChar(char c) { return isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'; }
bool isNumeric(std::string_view text) { return std::all_of(text.begin(), text.end(), isDigit); }

// Cuts `text` at the first `separator`; the part after it, or nothing if there is none.
std::optional<std::string_view> cut(std::string_view& text, char separator) {
    const std::size_t at = text.find(separator);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(at + 1);
    text = text.substr(0, at);
    return rest;
}

bool parseNumber(std::string_view text, std::uint64_t& number) {
    if (text.empty() || (text.size() > 1 && text.front() == '0') || !isNumeric(text)) return false;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc{} && end == text.data() + text.size();
}

// Dot separated identifiers, none empty. Section 9: numeric ones of a pre-release have no leading zeros.
bool areIdentifiers(std::string_view text, bool prerelease) {
    std::optional<std::string_view> rest = text;
    while (rest) {
        std::string_view identifier = *rest;
        rest = cut(identifier, '.');
        if (identifier.empty() || !std::all_of(identifier.begin(), identifier.end(), isIdentifierChar)) return false;
        if (prerelease && identifier.size() > 1 && identifier.front() == '0' && isNumeric(identifier)) return false;
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
        const auto order = compareIdentifiers(identifierA, identifierB);
        if (order != 0) return order;
    }
    return restA.has_value() <=> restB.has_value();
}

}  // namespace

std::optional<Version> Version::parse(std::string_view text) {
    if (text.size() > kMaxLength) return std::nullopt;
    Version version;
    version.text_ = text;
    std::string_view core = text;
    const auto build = cut(core, '+');
    const auto prerelease = cut(core, '-');
    const auto afterMajor = cut(core, '.');
    if (!afterMajor) return std::nullopt;
    std::string_view minorText = *afterMajor;
    const auto patchText = cut(minorText, '.');
    if (!patchText) return std::nullopt;
    if (!parseNumber(core, version.major) || !parseNumber(minorText, version.minor) ||
        !parseNumber(*patchText, version.patch)) {
        return std::nullopt;
    }
    if (prerelease && !areIdentifiers(*prerelease, true)) return std::nullopt;
    if (build && !areIdentifiers(*build, false)) return std::nullopt;
    version.prerelease = prerelease.value_or("");
    version.build = build.value_or("");
    return version;
}

std::strong_ordering Version::operator<=>(const Version& other) const noexcept {
    if (const auto order = major <=> other.major; order != 0) return order;
    if (const auto order = minor <=> other.minor; order != 0) return order;
    if (const auto order = patch <=> other.patch; order != 0) return order;
    return comparePrereleases(prerelease, other.prerelease);
}

}  // namespace northstar
