// SPDX-License-Identifier: Apache-2.0
// What the kernel tells by itself: changes of the mount table, and corrupted blocks. Bus thread only.
#pragma once

#include <sys/types.h>

#include "base/std.h"

namespace northstar {

// A descriptor to poll for input, and a way to read what it has to say.
class MountWatch {
public:
    virtual ~MountWatch() = default;
    [[nodiscard]] virtual int fd() const = 0;
    virtual void drain() = 0;  // takes the event; then the table is to be read again
};

struct Corruption {
    dev_t device = 0;                // verity device
    std::uint64_t diskSequence = 0;  // of it; 0: not known
    bool metadata = false;           // in the hash tree, not in the data
    std::uint64_t block = 0;  // in blocks of the table's size from the device's start, as the kernel reports it: a hash
                              // block's number is at least VerityTable::hashStartBlock
};

struct CorruptionEvents {
    std::vector<Corruption> blocks;
    bool lost = false;  // there were more than could be kept (a flood): what is corrupted has to be asked for
};

class CorruptionWatch {
public:
    virtual ~CorruptionWatch() = default;
    [[nodiscard]] virtual int fd() const = 0;
    // At most `most` events, never blocks.
    [[nodiscard]] virtual CorruptionEvents read(std::size_t most) = 0;
};

}  // namespace northstar
