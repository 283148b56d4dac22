// SPDX-License-Identifier: Apache-2.0
// Single values of the configuration: directories of the service's own, and names of repositories.
#pragma once

#include "base/std.h"

namespace northstar {

// The one way to write a directory: without //, /./ and a trailing /, and with the symlinks in it resolved as far as
// it exists, so that what is compared with it later (targets, the mount table) can be compared as text. A symlink
// counts only on the root filesystem, and if nobody but root (or the service's own user) may change its directory, as
// /var/run. `root`: what stands for "/"; tests have one of their own.
// Throws Failed saying why the path cannot be one: relative, with "..", "/" itself, or led elsewhere.
[[nodiscard]] std::string resolveDirectory(const std::string& path, const std::string& root = "/");

// Is `path` the same as `directory` or below it? Both as resolveDirectory() writes them.
[[nodiscard]] bool isWithin(const std::string& path, const std::string& directory);

// 1 to 255 letters, digits, '_', '-' and '.', the first one no '-' or '.': the name is part of the default directory.
[[nodiscard]] bool isRepositoryName(const std::string& name);

// The last component of its object path. Letters, digits and '_' are a label as they are; a name with other characters
// is written as sd_bus_path_encode(3) does: what is no letter or digit, or a leading digit, as _xx in hexadecimal.
[[nodiscard]] std::string repositoryLabel(const std::string& name);

}  // namespace northstar
