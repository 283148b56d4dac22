// SPDX-License-Identifier: Apache-2.0
// What the kernel tells while nobody calls: mounts that somebody else took down, and corrupted blocks. Bus thread only.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "bus/core.h"

namespace northstar::bus {

class Watches {
public:
    // Watches until destroyed; puts itself into core.mountTableChanged.
    explicit Watches(Core& core);
    ~Watches();
    Watches(const Watches&) = delete;
    Watches& operator=(const Watches&) = delete;

    [[nodiscard]] bool busy() const noexcept { return looking_ || cleaning_ > 0; }

private:
    void mountTableChanged();
    Detached look();
    Detached cleanUp(MountRecord record, std::shared_ptr<const void> image);
    void readCorruption();
    void report(const Corruption& event);
    void reportUnknown(const std::vector<std::uint32_t>& ids);
    void markCorrupted(MountRecord& record, std::uint64_t block);

    Core& core_;
    std::unique_ptr<MountWatch> mounts_;
    std::unique_ptr<CorruptionWatch> corruption_;
    std::map<std::uint32_t, std::set<std::uint64_t>> reported_;  // blocks by mount, at most kMostBlocks each
    std::set<std::uint32_t> asked_;  // mounts whose verity device was asked whether an event was missed
    bool planned_ = false, looking_ = false, lost_ = false;
    std::size_t cleaning_ = 0;  // mounts that are gone and have devices left
};

}  // namespace northstar::bus
