// SPDX-License-Identifier: Apache-2.0
// State is checked again after whatever takes time. What has changed meanwhile is the caller's to ask for anew.
#pragma once

#include "base/error.h"
#include "base/std.h"

namespace northstar {

[[noreturn]] inline void throwChanged(const std::string& tried, const std::string& what) {
    throw Error{Code::Failed, tried + ": " + what + " at this moment; try again"};
}

}  // namespace northstar
