// SPDX-License-Identifier: Apache-2.0
// The block devices under a mount: a loop device shows the image inside a package, a verity device on it checks every
// block that is read, and the kernel tells which ones were wrong.
//
// They are marked so that the kernel removes them when the last user goes (autoclear, deferred removal): their owners
// only hold them open, and letting go is all that undoing takes.
#pragma once

#include <sys/types.h>

#include <chrono>

#include "base/checked.h"
#include "base/std.h"

namespace northstar {

// A block device that is held open. Destroying the owner lets go of it; unless something else (a device on top, a
// mount) uses it by then, the kernel removes it.
class Device {
public:
    Device(std::string path, dev_t number) : path_{std::move(path)}, number_{number} {}
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    virtual ~Device() = default;
    [[nodiscard]] const std::string& path() const noexcept { return path_; }  // "/dev/loop3", "/dev/dm-0"
    [[nodiscard]] dev_t number() const noexcept { return number_; }
    // Device numbers are used again, this one is not: BLKGETDISKSEQ (linux/fs.h, Linux 5.15). 0: not known.
    [[nodiscard]] virtual std::uint64_t diskSequence() const { return 0; }

private:
    std::string path_;
    dev_t number_;
};

struct LoopSpec {
    int fd = -1;   // borrowed during the call: the kernel keeps its own reference
    Extent image;  // bytes of the file that the device shows; offset a multiple of 512
    std::chrono::milliseconds timeout{5000};
};

// Identity of what a loop device shows, to know it again after a restart.
struct LoopBacking {
    dev_t device = 0;  // of the file
    ino_t inode = 0;
    std::uint64_t offset = 0;  // bytes
    bool operator==(const LoopBacking&) const = default;
};

enum class VerityMode { Eio, Restart, Panic };  // what the kernel does about a corrupted block

struct VerityTable {
    std::string name;                                  // device name, "northstar-<unique>"
    std::string uuid;                                  // kVerityUuidPrefix + unique
    std::uint64_t dataBlocks = 0, hashStartBlock = 0;  // in blocks of blockSize
    std::uint32_t blockSize = 4096;                    // bytes; of data and of hash blocks
    std::string rootHash, salt;                        // hexadecimal; an empty salt is allowed
    VerityMode mode = VerityMode::Eio;
};

// dm UUIDs that start with this are ours: read back after a restart.
inline constexpr const char* kVerityUuidPrefix = "NORTHSTAR-";
inline constexpr const char* kVerityNamePrefix = "northstar-";

// What a mount lies on, to see it go once the mount is gone.
struct MountDevices {
    std::string verityUuid;  // empty: no verity device
    dev_t verity = 0;        // its number
    std::string loopPath;    // "/dev/loop3"; empty: no loop device
    LoopBacking backing;     // what that shows
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

// What the kernel tells by itself. Bus thread only: a descriptor to poll for input, and a way to read.
class CorruptionWatch {
public:
    virtual ~CorruptionWatch() = default;
    [[nodiscard]] virtual int fd() const = 0;
    // At most `most` events, never blocks.
    [[nodiscard]] virtual CorruptionEvents read(std::size_t most) = 0;
};

}  // namespace northstar
