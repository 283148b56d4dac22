// SPDX-License-Identifier: Apache-2.0
// What mounting needs from the kernel, and nothing more: the seam that tests replace. src/kernel/linux is the real one.
//
// Every resource is an owner. Loop and verity devices are marked so that the kernel removes them when the last user
// goes (autoclear, deferred removal): their owners only hold them open, and letting go is all that undoing takes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/checked.h"
#include "base/unique_fd.h"
#include "kernel/file_origin.h"

namespace northstar {

// A block device that is held open. Destroying the owner lets go of it; unless something else (a device on top, a
// mount) uses it by then, the kernel removes it.
class Device {
public:
    virtual ~Device() = default;
    [[nodiscard]] virtual const std::string& path() const = 0;  // "/dev/loop3", "/dev/dm-0"
    [[nodiscard]] virtual dev_t number() const = 0;
    // Device numbers are used again, this one is not: BLKGETDISKSEQ (linux/fs.h, Linux 5.15). 0: not known.
    [[nodiscard]] virtual std::uint64_t diskSequence() const { return 0; }
};

struct LoopSpec {
    int fd = -1;   // borrowed during the call: the kernel keeps its own reference
    Extent image;  // bytes of the file that the device shows; offset a multiple of 512
    std::chrono::milliseconds timeout{5000};
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

struct MountOptions {
    std::string filesystem;      // "squashfs", "erofs"
    bool noexec = false;         // read-only, nosuid and nodev are always set
    std::string selinuxContext;  // passed on only where the system has SELinux enabled; empty: none
};

// Which mount it is, whatever is at its path by now.
struct MountIdentity {
    std::uint64_t id = 0;        // mountinfo's first field; the kernel reuses these
    std::uint64_t uniqueId = 0;  // statx STATX_MNT_ID_UNIQUE (Linux 6.8); never reused; 0: kernel has none
    dev_t device = 0;            // of the filesystem: the loop or verity device

    bool operator==(const MountIdentity&) const = default;
};

// The directory that will be mounted on. The destructor removes it again if this call made it, unless kept.
class MountPoint {
public:
    virtual ~MountPoint() = default;
    [[nodiscard]] virtual const std::string& path() const = 0;
    [[nodiscard]] virtual bool created() const = 0;  // made by us, so removed after unmount
    virtual void keep() = 0;
};

// A mounted filesystem that is at no path yet. The destructor drops it unless attached; once attached the mount lives
// on.
class DetachedMount {
public:
    virtual ~DetachedMount() = default;
    // Known before attach(), except on kernels without fsmount(2): id 0 until attached.
    [[nodiscard]] virtual MountIdentity identity() const = 0;
    // Puts it at the mount point. Throws AlreadyMounted if something was mounted there meanwhile, Failed.
    virtual void attach(const MountPoint& point) = 0;
};

struct MountTableEntry {
    MountIdentity identity;
    std::string mountPoint;
};

// A process that keeps a filesystem busy.
struct Holder {
    pid_t pid = 0;
    std::string name;  // comm
    std::string path;  // what of it it holds: a file, a working directory
};

// A descriptor to poll for input, and a way to read what it has to say. Bus thread only.
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

// Identity of what a loop device shows, to know it again after a restart.
struct LoopBacking {
    dev_t device = 0;  // of the file
    ino_t inode = 0;
    std::uint64_t offset = 0;  // bytes
    bool operator==(const LoopBacking&) const = default;
};

// What a mount lies on, to see it go once the mount is gone.
struct MountDevices {
    std::string verityUuid;  // empty: no verity device
    dev_t verity = 0;        // its number
    std::string loopPath;    // "/dev/loop3"; empty: no loop device
    LoopBacking backing;     // what that shows
};

// Every call may block and may be made from several worker threads at once, except the watches (bus thread).
// Errors: Unsupported names the kernel option that is missing; DeviceUnavailable, Timeout, Busy, Corrupted, Failed.
class Kernel {
public:
    virtual ~Kernel() = default;

    [[nodiscard]] virtual bool verityAvailable() = 0;

    // Read-only, autoclear, with the largest logical block size (up to 4096) that offset and size allow.
    virtual std::unique_ptr<Device> attachLoop(const LoopSpec& spec) = 0;

    // Read-only verity device on `data`, which holds both data and tree, marked for deferred removal. The first
    // block has been read and the status is good when it returns: Corrupted otherwise.
    virtual std::unique_ptr<Device> openVerity(const Device& data, const VerityTable& table) = 0;

    virtual std::unique_ptr<DetachedMount> mountDetached(const Device& source, const MountOptions& options) = 0;

    // Makes the last component of an absolute path if it is missing. No symlink is followed in directories that
    // others than root may change. Throws AlreadyMounted if it is a mount point, InvalidArgs if it cannot be one.
    virtual std::unique_ptr<MountPoint> makeMountPoint(const std::string& path) = 0;

    // Takes down exactly this mount, and removes the directory if asked to (an error of that is only logged).
    // Throws NotMounted if another mount or none is there, Busy if it is in use (unless lazy), Failed.
    virtual void unmount(const MountIdentity& identity, const std::string& mountPoint, bool removeDirectory,
                         bool lazy) = 0;

    // Removes the directory that was made for a mount that somebody else took down. Only an empty directory that is no
    // mount point goes; anything else is logged. Throws what walking the path throws.
    virtual void removeMountPoint(const std::string& path) = 0;

    // After an unmount, or a mount that failed: waits until these are gone, helping them along. False if somebody else
    // still holds one at the deadline.
    virtual bool awaitRelease(const MountDevices& devices, std::chrono::milliseconds timeout) = 0;

    // The mounts in our mount namespace whose filesystem is on one of these devices. One pass over the table.
    virtual std::vector<MountTableEntry> mountsOn(const std::vector<dev_t>& devices) = 0;

    // Processes that keep this filesystem busy, found through /proc; at most `most`, and what is found in 3 s.
    virtual std::vector<Holder> holders(dev_t device, std::size_t most) = 0;

    // Where an open file lies. No filesystem is asked anything, so this never stalls.
    virtual FileOrigin originOf(int fd) = 0;

    // A detached copy of the mount, for move_mount(2) into another namespace. Throws NotMounted, Unsupported.
    virtual UniqueFd cloneMount(const MountIdentity& identity, const std::string& mountPoint) = 0;

    // What a loop device shows now; nullopt if it is free or gone.
    virtual std::optional<LoopBacking> loopBacking(const std::string& loopPath) = 0;

    // dm UUID of a device number; empty if it is no dm device.
    virtual std::string verityUuid(dev_t device) = 0;

    // Has a block of this verity device been found wrong since it was made? False also if it is gone.
    [[nodiscard]] virtual bool isCorrupted(const std::string& verityUuid) = 0;

    // Removes every verity device of ours that nothing uses and whose UUID is not in `keep`. Returns how many.
    virtual std::size_t removeStaleDevices(const std::vector<std::string>& keep) = 0;

    virtual std::unique_ptr<MountWatch> watchMounts() = 0;
    virtual std::unique_ptr<CorruptionWatch> watchCorruption() = 0;
};

}  // namespace northstar
