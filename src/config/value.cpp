// SPDX-License-Identifier: Apache-2.0
#include "config/value.h"

#include <limits.h>

#include "base/error.h"
#include "base/hex.h"
#include "base/path.h"
#include "base/utf8.h"

namespace northstar {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error{Code::Failed, why}; }

bool isPlain(char c) { return isAsciiAlphanumeric(c) || c == '_'; }

}  // namespace

std::string resolveDirectory(const std::string& path, const std::string& root) {
    if (!path.starts_with('/')) refuse("must be an absolute path");
    if (path.size() >= PATH_MAX) refuse("is too long");
    if (hasControls(path)) refuse("must not contain control characters");
    auto parts = pathComponents(path);
    std::erase(parts, ".");
    if (parts.empty()) refuse("must be below /");
    if (std::ranges::find(parts, "..") != parts.end()) refuse("must not contain ..");
    WalkPolicy policy{.links = WalkPolicy::Links::OfRootAndUs,
                      .missing = WalkPolicy::Missing::Left,
                      .refusal = Code::Failed,
                      .root = root};
    const auto resolved = walkPath(std::move(parts), policy).text();  // what is missing is made later, by us
    if (!resolved) refuse("leads through a symlink to what does not exist");
    if (resolved->empty()) refuse("must be below /");
    return *resolved;
}

bool isWithin(const std::string& path, const std::string& directory) {
    return path == directory || path.starts_with(directory + "/");
}

bool isRepositoryName(const std::string& name) {
    return !name.empty() && name.size() <= 255 && isPlain(name.front()) &&
           std::ranges::all_of(name, [](char c) { return isPlain(c) || c == '-' || c == '.'; });
}

std::string repositoryLabel(const std::string& name) {
    if (std::ranges::all_of(name, isPlain)) return name;
    std::string label;
    for (const char c : name) {
        if (isAsciiAlphanumeric(c) && !(isAsciiDigit(c) && label.empty())) {
            label += c;
        } else {
            const auto byte = static_cast<std::uint8_t>(c);
            label += "_" + toHex({&byte, 1});
        }
    }
    return label;
}

}  // namespace northstar
