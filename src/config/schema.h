// SPDX-License-Identifier: Apache-2.0
// What the tables and keys of a configuration file are called, and what they may be.
#pragma once

#include <toml++/toml.h>

#include "config/config.h"
#include "config/table_reader.h"

namespace northstar {

// Takes over what one file says. Keys that it does not have stay as an earlier file, or the default, has them.
void decodeOnto(Config& config, Reading& reading, const toml::table& file);

}  // namespace northstar
