// SPDX-License-Identifier: Apache-2.0
// Names out of an image, for a terminal.
#pragma once

#include "base/std.h"

namespace northstar::npk {

// The same text in one line, however long: what hasControls() tells of and bytes that are not UTF-8 become '?'.
[[nodiscard]] std::string shown(const std::string& text);

}  // namespace northstar::npk
