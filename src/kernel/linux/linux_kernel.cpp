// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/linux_kernel.h"

#include <sys/types.h>

#include <chrono>
#include <mutex>
#include <shared_mutex>

#include "base/error.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "kernel/device.h"
#include "kernel/linux/detached_mount.h"
#include "kernel/linux/file_origin.h"
#include "kernel/linux/fuse_abort.h"
#include "kernel/linux/holders.h"
#include "kernel/linux/loop_device.h"
#include "kernel/linux/mount_clone.h"
#include "kernel/linux/mount_point.h"
#include "kernel/linux/mount_table.h"
#include "kernel/linux/owner_map.h"
#include "kernel/linux/uevents.h"
#include "kernel/linux/verity_device.h"
#include "kernel/mount.h"

namespace northstar {
namespace {

using namespace std::chrono_literals;

// Keeps our own looks at mounts out of the way of our own unmounts: a descriptor pins its mount, and umount(2) fails
// with EBUSY meanwhile. Any thread.
class MountGate {
public:
    // Held while a descriptor of some mount may be open.
    [[nodiscard]] std::shared_lock<std::shared_timed_mutex> look() {
        const std::lock_guard turn{turn_};
        return std::shared_lock{looks_};
    }

    // Held while no look may be under way; those that come later wait until it is let go. A look may hang (a filesystem
    // of somebody else that does not answer): then this is not held, after a second.
    [[nodiscard]] std::unique_lock<std::shared_timed_mutex> alone() {
        const std::lock_guard turn{turn_};
        return std::unique_lock{looks_, std::chrono::seconds{1}};
    }

private:
    std::mutex turn_;  // a stream of looks that overlap would keep who wants to be alone waiting for ever
    std::shared_timed_mutex looks_;
};

class LinuxKernel : public Kernel {
public:
    explicit LinuxKernel(const LinuxKernelOptions& options) : loops_{options.loop}, mounter_{options.mount} {}

    bool verityAvailable() override { return verity_.available(); }

    std::unique_ptr<Device> attachLoop(const LoopSpec& spec) override { return loops_.attach(spec); }

    std::unique_ptr<Device> openVerity(const Device& data, const VerityTable& table) override {
        return verity_.open(data, table);
    }

    std::unique_ptr<DetachedMount> mountDetached(const Device& source, const MountOptions& options) override {
        return mounter_.mount(source, options);
    }

    std::unique_ptr<MountPoint> makeMountPoint(const std::string& path) override {
        return makeMountPointDirectory(path);
    }

    void unmount(const MountIdentity& identity, const std::string& mountPoint, const MadeDirectory& made,
                 UnmountMode mode) override {
        try {
            return unmountExactly(identity, mountPoint, made, mode);
        } catch (const Error& error) {
            if (error.code() != Code::Busy) throw;
        }
        const auto alone = gate_.alone();  // a look of ours may have been in the way
        unmountExactly(identity, mountPoint, made, mode);
    }

    void removeMountPoint(const std::string& mountPoint, const MadeDirectory& made) override {
        removeMade(mountPoint, made);
    }

    bool awaitRelease(const MountDevices& devices, std::chrono::milliseconds timeout) override {
        Backoff backoff{timeout, 200us, 5ms};
        bool verityGone = devices.verityUuid.empty(), loopGone = devices.loopPath.empty();
        for (int round = 0;; ++round) {
            if (!verityGone) verityGone = VerityDevices::remove(devices.verityUuid, devices.verity);
            // The cheap question first: a device that is about to go is not to be opened.
            if (!loopGone) {
                loopGone = LoopDevices::released(devices.loopPath, devices.backing, verityGone && round > 2);
            }
            if (verityGone && loopGone) return true;
            if (!backoff.pause()) return false;
        }
    }

    std::vector<MountTableEntry> mountsOn(const std::vector<dev_t>& devices) override {
        const auto look = gate_.look();
        return readMountTable(devices);
    }

    std::vector<std::string> mountsInside(const MountIdentity& identity, const std::string& mountPoint) override {
        return findMountsInside(identity, mountPoint);
    }

    void mapOwners(int clone, int userNamespace, uid_t asking) override {
        mapCloneOwners(clone, userNamespace, asking);
    }
    std::vector<Holder> holders(dev_t device, std::size_t most) override { return findHolders(device, most); }

    FileOrigin originOf(int fd) override { return findFileOrigin(fd); }

    UniqueFd cloneMount(const MountIdentity& identity, const std::string& mountPoint, CloneFor whom) override {
        const auto look = gate_.look();
        return cloneExactly(identity, mountPoint, whom);
    }

    std::optional<LoopBacking> loopBacking(const std::string& loopPath) override {
        return LoopDevices::backing(loopPath);
    }

    std::string verityUuid(dev_t device) override { return VerityDevices::uuid(device); }

    bool isCorrupted(const std::string& verityUuid) override { return VerityDevices::isCorrupted(verityUuid); }

    std::size_t removeStaleDevices(const std::vector<std::string>& keep) override {
        return VerityDevices::removeStale(keep);
    }

    void giveUpStalledFiles() override { log::warn("FUSE filesystems cut off: {}", abortOpenFuse()); }

    std::unique_ptr<MountWatch> watchMounts() override { return watchMountTable(); }
    std::unique_ptr<CorruptionWatch> watchCorruption() override { return watchUevents(); }

private:
    LoopDevices loops_;
    VerityDevices verity_;
    Mounter mounter_;
    MountGate gate_;
};

}  // namespace

std::unique_ptr<Kernel> makeLinuxKernel(const LinuxKernelOptions& options) {
    return std::make_unique<LinuxKernel>(options);
}

}  // namespace northstar
