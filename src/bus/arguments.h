// SPDX-License-Identifier: Apache-2.0
// How long the arguments of a call may be. They are kept while it waits, and come back in its results: an answer that
// is larger than a message may be (128 MiB, less where the bus says so) would cost the service its connection.
#pragma once

#include <string>
#include <vector>

namespace northstar::bus {

// At most 256 KiB. Throws InvalidArgs.
void refuseLong(const std::string& text);

// At most 4096 (as many as mounts by default), with 256 KiB in all. Throws LimitsExceeded.
void refuseLong(const std::vector<std::string>& items);

// Of anything else nothing is kept.
template <typename T>
void refuseLong(const T&) {}

}  // namespace northstar::bus
