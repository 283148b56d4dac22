// SPDX-License-Identifier: Apache-2.0
#include "base/normal_path.h"

#include <limits.h>

#include <sstream>

#include "base/error.h"
#include "base/utf8.h"

namespace northstar {

std::string normalPath(const std::string& path, const std::string& what) {
    const auto refuse = [&](const std::string& why) {
        throw Error{Code::InvalidArgs, what + " " + printable(path) + " " + why};
    };
    if (path.empty() || path.front() != '/') refuse("must be an absolute path");
    if (path.size() >= PATH_MAX) refuse("is too long");
    if (hasControls(path)) refuse("must not contain control characters");
    std::string normal;
    std::istringstream parts{path};
    for (std::string part; std::getline(parts, part, '/');) {
        if (part == "..") refuse("must not contain \"..\"");
        if (part.size() > NAME_MAX) refuse("has a component that is too long");
        if (!part.empty() && part != ".") normal += "/" + part;
    }
    if (normal.empty()) refuse("must not be the root directory");
    return normal;
}

}  // namespace northstar
