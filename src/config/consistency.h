// SPDX-License-Identifier: Apache-2.0
// What the values of a configuration are to each other, once all files are read.
#pragma once

#include "config/config.h"

namespace northstar {

// Adds what does not fit together to the problems, and puts in force what follows from other values.
void checkTogether(ConfigReport& report);

}  // namespace northstar
