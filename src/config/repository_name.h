// SPDX-License-Identifier: Apache-2.0
// Names of repositories, and how they stand in object paths.
#pragma once

#include "base/std.h"

namespace northstar {

// 1 to 255 letters, digits, '_', '-' and '.', the first one no '-' or '.': the name is part of the default directory.
[[nodiscard]] bool isRepositoryName(const std::string& name);

// The last component of its object path. Letters, digits and '_' are a label as they are; a name with other characters
// is written as sd_bus_path_encode(3) does: what is no letter or digit, or a leading digit, as _xx in hexadecimal.
[[nodiscard]] std::string repositoryLabel(const std::string& name);

}  // namespace northstar
