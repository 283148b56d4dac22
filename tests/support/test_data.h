// SPDX-License-Identifier: Apache-2.0
// The committed test data.
#pragma once

#include <string>

#include "base/unique_fd.h"

namespace northstar::test {

// dataPath("signed/fonts-2.3.4.npk"): in $NORTHSTAR_TEST_DATA, else in the source tree that the tests were
// built from.
[[nodiscard]] std::string dataPath(const std::string& relative);

// Both throw std::runtime_error if it cannot be opened.
[[nodiscard]] UniqueFd openData(const std::string& relative);
[[nodiscard]] std::string readData(const std::string& relative);

}  // namespace northstar::test
