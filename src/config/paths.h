// SPDX-License-Identifier: Apache-2.0
// Directories of the service's own, as the configuration names them.
#pragma once

#include "base/std.h"

namespace northstar {

// The one way to write a directory: without //, /./ and a trailing /, and with the symlinks in it resolved as far as
// it exists, so that what is compared with it later (targets, the mount table) can be compared as text. A symlink
// counts only if nobody but root (or the service's own user) may change its directory, as /var/run.
// Throws Failed saying why the path cannot be one: relative, with "..", "/" itself, or led elsewhere.
[[nodiscard]] std::string resolveDirectory(const std::string& path);

// Is `path` the same as `directory` or below it? Both as resolveDirectory() writes them.
[[nodiscard]] bool isWithin(const std::string& path, const std::string& directory);

}  // namespace northstar
