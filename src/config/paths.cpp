// SPDX-License-Identifier: Apache-2.0
#include "config/paths.h"

#include <limits.h>

#include <deque>

#include "base/error.h"
#include "base/path.h"
#include "base/utf8.h"

namespace northstar {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error{Code::Failed, why}; }

std::deque<std::string> checkWritten(const std::string& path) {
    if (!path.starts_with('/')) refuse("must be an absolute path");
    if (path.size() >= PATH_MAX) refuse("is too long");
    if (hasControls(path)) refuse("must not contain control characters");
    auto parts = pathComponents(path);
    std::erase(parts, ".");
    if (parts.empty()) refuse("must be below /");
    if (std::ranges::find(parts, "..") != parts.end()) refuse("must not contain ..");
    return parts;
}

}  // namespace

std::string resolveDirectory(const std::string& path) {
    WalkPolicy policy{WalkPolicy::Links::OfRootAndUs, WalkPolicy::Missing::Left, Code::Failed, {}};
    Walk walk = walkPath(checkWritten(path), policy);
    for (const std::string& missing : walk.missing) {  // made later, by us
        if (missing == "..") refuse("leads through a symlink to what does not exist");
        if (missing != ".") walk.path += "/" + missing;
    }
    if (walk.path.empty()) refuse("must be below /");
    return walk.path;
}

bool isWithin(const std::string& path, const std::string& directory) {
    return path == directory || path.starts_with(directory + "/");
}

}  // namespace northstar
