// SPDX-License-Identifier: Apache-2.0
// What mounting needs from the kernel, and nothing more: the seam that tests replace. src/kernel/linux is the real one.
// Every resource is an owner: see device.h and mount.h.
#pragma once

#include <sys/types.h>

#include <chrono>

#include "base/std.h"
#include "base/unique_fd.h"
#include "kernel/device.h"
#include "kernel/mount.h"

namespace northstar {

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

    // Makes the last component of an absolute path if it is missing. No symlink is followed: a caller resolves what
    // may be (path.h). Throws AlreadyMounted if it is a mount point, InvalidArgs if it cannot be one.
    virtual std::unique_ptr<MountPoint> makeMountPoint(const std::string& path) = 0;

    // Takes down exactly this mount, be it where it is known to be or elsewhere by now, and removes the directory that
    // was made for it (an error of that is only logged). Throws NotMounted if it is nowhere, Busy if something is
    // mounted over it or it is in use (unless lazy), Failed.
    virtual void unmount(const MountIdentity& identity, const std::string& mountPoint, const MadeDirectory& made,
                         UnmountMode mode) = 0;

    // Removes the directory that was made for a mount that somebody else took down: at its mount point, where it may
    // have been taken along, or where it was made. Only that very directory goes, and only if it is empty and no mount
    // point; what is left is logged. Throws Failed.
    virtual void removeMountPoint(const std::string& mountPoint, const MadeDirectory& made) = 0;

    // After an unmount, or a mount that failed: waits until these are gone, helping them along. False if somebody else
    // still holds one at the deadline.
    virtual bool awaitRelease(const MountDevices& devices, std::chrono::milliseconds timeout) = 0;

    // The mounts in our mount namespace whose filesystem is on one of these devices. One pass over the table.
    virtual std::vector<MountTableEntry> mountsOn(const std::vector<dev_t>& devices) = 0;

    // Mount points, in our mount namespace, of what is mounted inside this mount, and inside that again. They keep it
    // busy, and a lazy unmount takes them along.
    virtual std::vector<std::string> mountsInside(const MountIdentity& identity, const std::string& mountPoint) = 0;

    // Processes that keep this filesystem busy, found through /proc; at most `most`, and what is found in 3 s.
    virtual std::vector<Holder> holders(dev_t device, std::size_t most) = 0;

    // Where an open file lies. No filesystem is asked anything, so this never stalls.
    virtual FileOrigin originOf(int fd) = 0;

    // A detached copy of the mount, for move_mount(2) into another namespace. Nobody can take its flags (read-only,
    // nosuid, nodev) off; for root, who needs no clone for that, also where the kernel cannot lock them. Throws
    // NotMounted, Unsupported, Failed.
    virtual UniqueFd cloneMount(const MountIdentity& identity, const std::string& mountPoint, CloneFor whom) = 0;

    // Lets the files of a detached clone belong to a user namespace, as MOUNT_ATTR_IDMAP of mount_setattr(2) has it: to
    // its root what is root's in the image. `userNamespace` is a caller's descriptor, whatever that is. Throws
    // InvalidArgs, AccessDenied if the namespace is another user's (root may name any), Unsupported, Failed.
    virtual void mapOwners(int clone, int userNamespace, uid_t asking) = 0;

    // What a loop device shows now; nullopt if it is free or gone.
    virtual std::optional<LoopBacking> loopBacking(const std::string& loopPath) = 0;

    // dm UUID of a device number; empty if it is no dm device.
    virtual std::string verityUuid(dev_t device) = 0;

    // Has a block of this verity device been found wrong since it was made? False also if it is gone.
    [[nodiscard]] virtual bool isCorrupted(const std::string& verityUuid) = 0;

    // Removes every verity device of ours that nothing uses and whose UUID is not in `keep`. Returns how many.
    virtual std::size_t removeStaleDevices(const std::vector<std::string>& keep) = 0;

    // Ends the waiting for files of ours that are on a filesystem which does not answer, where the kernel lets it be
    // ended: a FUSE filesystem is cut off from its process, for everybody. Waits for none of them.
    virtual void giveUpStalledFiles() = 0;

    virtual std::unique_ptr<MountWatch> watchMounts() = 0;
    virtual std::unique_ptr<CorruptionWatch> watchCorruption() = 0;
};

}  // namespace northstar
