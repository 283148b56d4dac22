// SPDX-License-Identifier: Apache-2.0
#include "engine/holder_search.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "engine/mount_ref.h"
#include "registry/mount_record.h"

namespace northstar {

Task<> HolderSearch::throwBusy(CallPtr call, MountRecord record) {
    constexpr std::size_t kMostSearches = 8;
    std::string holders = "somebody (not looked for: too many calls ask that at this moment)";
    if (searches_ < kMostSearches) {
        ++searches_;
        try {
            // Nobody waits for the answer any more when the caller has left.
            if (!call->gone().stop_requested())
                holders = co_await pool_.run(
                    [&] { return stopping_.stop_requested() ? "somebody" : steps_.describeHolders(record); });
        } catch (const std::exception& error) {
            log::warn("Cannot look for who holds {}: {}", record.mountPoint, error.what());
        }
        --searches_;
        if (registry_.find(record.id) == nullptr) throwNotMounted(record.mountPoint);
    }
    throw Error{Code::Busy, fmt::format("Cannot unmount {}: it is in use by {}; end them, or ask for a lazy unmount",
                                        record.mountPoint, holders)};
}

}  // namespace northstar
