// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/safe_path.h"

#include <limits.h>

#include "base/error.h"
#include "base/path.h"

namespace northstar {
namespace {

std::string describe(const std::string& path) { return "path \"" + printable(path) + "\": "; }

}  // namespace

std::deque<std::string> splitPath(const std::string& path) {
    const auto refuse = [&](const char* why) { throw Error{Code::InvalidArgs, describe(path) + why}; };
    if (!path.starts_with('/')) refuse("must be absolute");
    if (path.size() >= PATH_MAX || path.find('\0') != std::string::npos) refuse("is no valid path");
    std::deque<std::string> parts = pathComponents(path);
    if (parts.empty()) refuse("must be below /");
    for (const std::string& part : parts) {
        if (part == "." || part == "..") refuse("must not contain . or ..");
        if (part.size() > NAME_MAX) refuse("has a component of more than 255 bytes");
    }
    return parts;
}

SafePath openParent(const std::string& path) {
    std::deque<std::string> parts = splitPath(path);
    SafePath safe;
    for (const std::string& part : parts) safe.text += "/" + part;
    safe.name = parts.back();
    parts.pop_back();
    WalkPolicy policy;
    policy.what = describe(path);
    safe.parent = walkPath(std::move(parts), policy).directory;
    return safe;
}

}  // namespace northstar
