// SPDX-License-Identifier: Apache-2.0
// Mounts: which one it is, where it is put, who keeps it busy, and where a file lies.
#pragma once

#include <sys/types.h>

#include "base/std.h"
#include "base/unique_fd.h"

namespace northstar {

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

// Is what was seen the mount that is known? Unique ids decide where both have one; ids alone may have been reused. A
// known id of 0 is any: an old kernel tells it only once a mount is attached, and the service may have died before.
[[nodiscard]] constexpr bool isSameMount(const MountIdentity& known, const MountIdentity& seen) noexcept {
    if (known.uniqueId != 0 && seen.uniqueId != 0) return known.uniqueId == seen.uniqueId;
    return known.device == seen.device && (known.id == 0 || known.id == seen.id);
}

// A directory that was made for a mount, to be known again wherever it is by then.
struct MadeDirectory {
    std::string path{};  // where it was made; empty: none was
    dev_t device = 0;
    std::uint64_t inode = 0;  // 0: not known (the service died while it was made); then any directory there is it

    [[nodiscard]] bool isThere() const noexcept { return !path.empty(); }
    bool operator==(const MadeDirectory&) const = default;
};

// The directory that will be mounted on. The destructor removes it again if this call made it, unless kept.
class MountPoint {
public:
    virtual ~MountPoint() = default;
    [[nodiscard]] virtual const std::string& path() const = 0;
    // To be removed after the unmount; of nobody if it was there before.
    [[nodiscard]] virtual MadeDirectory made() const = 0;
    virtual void keep() = 0;

    // What DetachedMount::attach() needs of it. Descriptor of the directory itself; throws AlreadyMounted if something
    // is mounted on it.
    [[nodiscard]] virtual int freeDirectory() const = 0;
    // O_PATH descriptor of what is to be seen at the path now: the directory or what is mounted on it. Throws Failed.
    [[nodiscard]] virtual UniqueFd openTop() const = 0;
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
    // Puts it beneath a mount that is at this path (MOVE_MOUNT_BENEATH, move_mount(2)): it comes into sight when that
    // one goes. Throws Unsupported, NotMounted, Busy if something is mounted over that one, Failed.
    virtual void attachBeneath(const MountIdentity& top, const std::string& mountPoint) = 0;
};

enum class CloneFor { Anybody, Root };
enum class UnmountMode { Now, Lazy };  // Lazy: out of sight now, gone when its last user is

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

// Where an open file lies.
struct FileOrigin {
    // In our mount namespace. Empty: not to be named, as it is on no mount of ours (in a mount namespace of its own a
    // caller can give any file any path), was unlinked, or has a path that does not show as it is.
    std::string path;
    std::string filesystem;  // its type, "ext4", "fuse.sshfs"; "tmpfs" for any memfd; empty: not mounted here

    // A caller can make reads of its own FUSE file wait for ever; what is not mounted here may be one.
    [[nodiscard]] bool mayStall() const { return filesystem.empty() || filesystem.starts_with("fuse"); }
};

// Changes of the mount table. Bus thread only: a descriptor to poll for input, and a way to read what it has to say.
class MountWatch {
public:
    virtual ~MountWatch() = default;
    [[nodiscard]] virtual int fd() const = 0;
    virtual void drain() = 0;  // takes the event; then the table is to be read again
};

}  // namespace northstar
