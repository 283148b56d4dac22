// SPDX-License-Identifier: Apache-2.0
// Walking a path that a caller gave, with the service's rights, without being led elsewhere.
//
// Each component is opened from the one before, so what was checked is what is used. A symlink counts only if
// its directory belongs to root and nobody else may write there (/var/run does, anything in /tmp does not).
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace northstar {

struct SafePath {
    UniqueFd parent;   // O_PATH, the directory that holds the last component
    std::string name;  // last component; not opened, may not exist
    std::string text;  // the whole path, repeated and trailing slashes removed
};

// Components of an absolute path. Throws InvalidArgs for a relative path, "/", "." or ".." as a component, a
// NUL character, a component over NAME_MAX (255) or a path over PATH_MAX (4096) bytes.
[[nodiscard]] std::vector<std::string> splitPath(const std::string& path);

// Opens everything but the last component. Throws InvalidArgs if a component is missing, no directory or a
// symlink that is not to be followed; Failed.
[[nodiscard]] SafePath openParent(const std::string& path);

}  // namespace northstar
