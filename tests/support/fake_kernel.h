// SPDX-License-Identifier: Apache-2.0
// A kernel in memory. It keeps the books that the real one keeps (who uses which device), so that a test can ask what
// is left; it fails, waits or reports corruption when told to. Thread-safe. No directory or device is really made.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernel/kernel.h"

namespace northstar::test {

class FakeKernel : public Kernel {
public:
    FakeKernel();
    ~FakeKernel() override;

    void setVerityAvailable(bool available);
    // A kernel before fsmount(2) and STATX_MNT_ID_UNIQUE: a mount has no identity until it is attached.
    void setOld(bool old);
    // What every file is said to be on; "ext4" at first.
    void setFilesystemType(const std::string& type);

    // The n-th call from now fails, 0 the next one. What counts as a call: everything that may throw, attach()
    // included.
    void failAt(std::size_t n, const Error& error);
    // The next call of this name fails, "attachLoop".
    void failNext(const std::string& call, const Error& error);
    // Names of all calls so far.
    [[nodiscard]] std::vector<std::string> calls() const;

    // Calls of one name wait while this lives and is not opened.
    class Gate {
    public:
        Gate(FakeKernel& kernel, std::string call);
        ~Gate();
        Gate(const Gate&) = delete;
        Gate& operator=(const Gate&) = delete;
        // False if fewer than that many calls wait after five seconds.
        [[nodiscard]] bool waitFor(std::size_t calls) const;
        void open();

    private:
        friend class FakeKernel;
        struct Shared;
        FakeKernel& kernel_;
        std::shared_ptr<Shared> shared_;
    };

    // What is there: "/dev/loop0", "/dev/dm-0", "dir PATH", "mount PATH", sorted.
    [[nodiscard]] std::vector<std::string> live() const;
    // Of the newest verity device, and of the newest mount.
    [[nodiscard]] VerityTable lastVerity() const;
    [[nodiscard]] MountOptions lastMountOptions() const;

    void addDirectory(const std::string& path);
    void keepBusy(const std::string& mountPoint, std::vector<Holder> holders);
    void release(const std::string& mountPoint);
    void unmountExternally(const std::string& mountPoint);
    // Somebody else has the device open ("/dev/dm-0"), until they let go of it.
    void openDevice(const std::string& path);
    void closeDevice(const std::string& path);
    // As mount --move does, and as renaming a directory above, which takes the directory itself along and tells nobody.
    void moveMount(const std::string& from, const std::string& to);
    void renameAbove(const std::string& from, const std::string& to);
    void corrupt(const std::string& mountPoint, std::uint64_t block);
    // The same, and nobody is told of it.
    void corruptUnseen(const std::string& mountPoint);
    // Tells of events that were lost.
    void loseCorruptionEvents();
    // Of this mount's device; what tell() gets may be of an earlier one of that number.
    [[nodiscard]] Corruption corruptionOf(const std::string& mountPoint, std::uint64_t block) const;
    void tell(const Corruption& event);
    // A verity device on a loop device that nothing uses: what a killed daemon may leave behind.
    void addStaleVerity(const std::string& uuid);

    bool verityAvailable() override;
    std::unique_ptr<Device> attachLoop(const LoopSpec& spec) override;
    std::unique_ptr<Device> openVerity(const Device& data, const VerityTable& table) override;
    std::unique_ptr<DetachedMount> mountDetached(const Device& source, const MountOptions& options) override;
    std::unique_ptr<MountPoint> makeMountPoint(const std::string& path) override;
    void unmount(const MountIdentity& identity, const std::string& mountPoint, const MadeDirectory& made,
                 UnmountMode mode) override;
    void removeMountPoint(const std::string& mountPoint, const MadeDirectory& made) override;
    bool awaitRelease(const MountDevices& gone, std::chrono::milliseconds timeout) override;
    std::vector<MountTableEntry> mountsOn(const std::vector<dev_t>& devices) override;
    std::vector<std::string> mountsInside(const MountIdentity& identity, const std::string& mountPoint) override;
    std::vector<Holder> holders(dev_t device, std::size_t most) override;
    FileOrigin originOf(int fd) override;
    UniqueFd cloneMount(const MountIdentity& identity, const std::string& mountPoint, CloneFor whom) override;
    void mapOwners(int clone, int userNamespace, uid_t asking) override;
    std::optional<LoopBacking> loopBacking(const std::string& loopPath) override;
    std::string verityUuid(dev_t device) override;
    bool isCorrupted(const std::string& uuid) override;
    std::size_t removeStaleDevices(const std::vector<std::string>& keep) override;
    void giveUpStalledFiles() override {}
    std::unique_ptr<MountWatch> watchMounts() override;
    std::unique_ptr<CorruptionWatch> watchCorruption() override;

private:
    struct State;
    class HeldDevice;
    class Mount;
    class Point;
    class TableWatch;
    class BlockWatch;
    std::shared_ptr<State> state_;
};

}  // namespace northstar::test
