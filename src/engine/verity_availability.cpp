// SPDX-License-Identifier: Apache-2.0
#include "engine/verity_availability.h"

#include "base/log.h"
#include "base/std.h"

namespace northstar {

void VerityAvailability::set(bool available) {
    if (std::exchange(available_, available) != available) observer_.verityAvailableChanged();
}

Task<> VerityAvailability::refresh() {
    try {
        auto asking = pool_.run([this] { return kernel_.verityAvailable(); });
        set(co_await asking);
    } catch (const std::exception& error) {  // what it was asked for has its own result
        log::warn("Cannot see whether there is dm-verity: {}", error.what());
    }
}

}  // namespace northstar
