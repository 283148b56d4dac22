// SPDX-License-Identifier: Apache-2.0
// The calls of the fake kernel.
#include "support/fake_kernel.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <stdexcept>

#include "kernel/linux/file_origin.h"
#include "support/fake_kernel_state.h"

namespace northstar::test {

class FakeKernel::HeldDevice final : public Device {
public:
    HeldDevice(std::shared_ptr<State> state, dev_t number, std::string path)
        : Device{std::move(path), number}, state_{std::move(state)} {}
    ~HeldDevice() override {
        const std::lock_guard lock{state_->mutex};
        state_->letGo(number());
    }
    [[nodiscard]] std::uint64_t diskSequence() const override {
        const std::lock_guard lock{state_->mutex};
        return state_->devices.at(number()).sequence;
    }

private:
    std::shared_ptr<State> state_;
};

class FakeKernel::Point final : public MountPoint {
public:
    // `inode`: of the directory, if it was made now.
    Point(std::shared_ptr<State> state, std::string path, std::uint64_t inode)
        : state_{std::move(state)}, path_{std::move(path)}, inode_{inode} {}
    ~Point() override {
        const std::lock_guard lock{state_->mutex};
        if (inode_ != 0 && !kept_) state_->directories.erase(path_);
    }
    [[nodiscard]] const std::string& path() const override { return path_; }
    [[nodiscard]] MadeDirectory made() const override {
        return inode_ != 0 ? MadeDirectory{path_, 1, inode_} : MadeDirectory{};
    }
    void keep() override { kept_ = true; }
    [[nodiscard]] int freeDirectory() const override { return -1; }  // nothing here has one
    [[nodiscard]] UniqueFd openTop() const override { return {}; }

private:
    std::shared_ptr<State> state_;
    std::string path_;
    std::uint64_t inode_;
    bool kept_ = false;
};

class FakeKernel::Mount final : public DetachedMount {
public:
    Mount(std::shared_ptr<State> state, MountIdentity identity, bool old)
        : state_{std::move(state)}, identity_{identity}, old_{old} {}
    ~Mount() override {
        if (attached_) return;
        const std::lock_guard lock{state_->mutex};
        state_->letGo(identity_.device);
    }
    [[nodiscard]] MountIdentity identity() const override {
        if (old_ && !attached_) return {0, 0, identity_.device};
        return {identity_.id, old_ ? 0 : identity_.uniqueId, identity_.device};
    }
    void attach(const MountPoint& point) override {
        const auto lock = state_->enter("attach");
        if (state_->mounts.contains(point.path())) throw Error{Code::AlreadyMounted, point.path() + " is mounted on"};
        attached_ = true;
        state_->mounts[point.path()] = {identity(), false, {}};
        state_->tell(state_->mountWatches);
    }
    void attachBeneath(const MountIdentity& top, const std::string& mountPoint) override {
        const auto lock = state_->enter("attachBeneath");
        if (old_) throw Error{Code::Unsupported, "needs Linux 6.5"};
        const auto there = state_->mounts.find(mountPoint);
        if (there == state_->mounts.end() || !isSameMount(top, there->second.identity)) {
            throw Error{Code::NotMounted, "not mounted on " + mountPoint};
        }
        attached_ = true;
        state_->beneath[mountPoint] = {identity(), false, {}};
        state_->tell(state_->mountWatches);
    }

private:
    std::shared_ptr<State> state_;
    MountIdentity identity_;
    bool old_, attached_ = false;
};

class FakeKernel::TableWatch final : public MountWatch {
public:
    explicit TableWatch(std::shared_ptr<State> state) : state_{std::move(state)} {
        const std::lock_guard lock{state_->mutex};
        state_->mountWatches.insert(event_.get());
    }
    ~TableWatch() override {
        const std::lock_guard lock{state_->mutex};
        state_->mountWatches.erase(event_.get());
    }
    [[nodiscard]] int fd() const override { return event_.get(); }
    void drain() override {
        eventfd_t count = 0;
        eventfd_read(event_.get(), &count);
    }

private:
    std::shared_ptr<State> state_;
    UniqueFd event_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

class FakeKernel::BlockWatch final : public CorruptionWatch {
public:
    explicit BlockWatch(std::shared_ptr<State> state) : state_{std::move(state)} {
        const std::lock_guard lock{state_->mutex};
        state_->corruptionWatches.insert(event_.get());
    }
    ~BlockWatch() override {
        const std::lock_guard lock{state_->mutex};
        state_->corruptionWatches.erase(event_.get());
    }
    [[nodiscard]] int fd() const override { return event_.get(); }
    [[nodiscard]] CorruptionEvents read(std::size_t most) override {
        const std::lock_guard lock{state_->mutex};
        auto& queue = state_->corruptions;
        const auto end = queue.begin() + static_cast<std::ptrdiff_t>(std::min(most, queue.size()));
        CorruptionEvents events{{queue.begin(), end}, std::exchange(state_->corruptionsLost, false)};
        queue.erase(queue.begin(), end);
        eventfd_t count = 0;
        if (queue.empty()) eventfd_read(event_.get(), &count);
        return events;
    }

private:
    std::shared_ptr<State> state_;
    UniqueFd event_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

bool FakeKernel::verityAvailable() {
    const std::lock_guard lock{state_->mutex};
    return state_->verity;
}

std::unique_ptr<Device> FakeKernel::attachLoop(const LoopSpec& spec) {
    const auto lock = state_->enter("attachLoop");
    struct stat file{};
    if (fstat(spec.fd, &file) != 0) throwErrno(Code::Failed, "fstat of the loop file", errno);
    if (!spec.image.within(static_cast<std::uint64_t>(file.st_size)) || spec.image.offset % 512 != 0) {
        throw std::logic_error{"a loop device outside its file"};
    }
    const dev_t number =
        state_->addDevice(7, "/dev/loop", {{}, {}, {file.st_dev, file.st_ino, spec.image.offset}, 0, 1});
    return std::make_unique<HeldDevice>(state_, number, state_->devices.at(number).path);
}

std::unique_ptr<Device> FakeKernel::openVerity(const Device& data, const VerityTable& table) {
    const auto lock = state_->enter("openVerity");
    if (!state_->verity) throw Error{Code::Unsupported, "no dm-verity (CONFIG_DM_VERITY)"};
    state_->hold(data.number());
    const dev_t number = state_->addDevice(253, "/dev/dm-", {{}, table.uuid, {}, data.number(), 1});
    state_->lastVerity = table;
    return std::make_unique<HeldDevice>(state_, number, state_->devices.at(number).path);
}

std::unique_ptr<DetachedMount> FakeKernel::mountDetached(const Device& source, const MountOptions& options) {
    const auto lock = state_->enter("mountDetached");
    state_->hold(source.number());
    state_->lastOptions = options;
    const std::uint64_t id = ++state_->lastMountId;
    return std::make_unique<Mount>(state_, MountIdentity{id, 0x100000000U + id, source.number()}, state_->old);
}

std::unique_ptr<MountPoint> FakeKernel::makeMountPoint(const std::string& path) {
    const auto lock = state_->enter("makeMountPoint");
    if (state_->mounts.contains(path)) throw Error{Code::AlreadyMounted, path + " is mounted on"};
    const auto [directory, made] = state_->directories.emplace(path, state_->lastInode + 1);
    if (made) ++state_->lastInode;
    return std::make_unique<Point>(state_, path, made ? directory->second : 0);
}

void FakeKernel::unmount(const MountIdentity& identity, const std::string& mountPoint, const MadeDirectory& made,
                         UnmountMode mode) {
    const auto lock = state_->enter("unmount");
    const auto mount = std::ranges::find_if(
        state_->mounts, [&](const auto& entry) { return isSameMount(identity, entry.second.identity); });
    if (mount == state_->mounts.end()) throw Error{Code::NotMounted, "not mounted on " + mountPoint};
    if (mount->second.busy && mode != UnmountMode::Lazy) throw Error{Code::Busy, mountPoint + " is in use"};
    const std::string path = mount->first;
    state_->take(path);
    state_->remove(path, made);
}

void FakeKernel::removeMountPoint(const std::string& mountPoint, const MadeDirectory& made) {
    const auto lock = state_->enter("removeMountPoint");
    state_->remove(mountPoint, made);
}

bool FakeKernel::awaitRelease(const MountDevices& gone, std::chrono::milliseconds timeout) {
    auto lock = state_->enter("awaitRelease");
    return state_->changed.wait_for(lock, timeout, [&] {
        return std::ranges::none_of(state_->devices, [&](const auto& device) {
            const auto& node = device.second;
            return (!gone.verityUuid.empty() && node.uuid == gone.verityUuid) ||
                   (node.path == gone.loopPath && node.backing == gone.backing);
        });
    });
}

std::vector<MountTableEntry> FakeKernel::mountsOn(const std::vector<dev_t>& devices) {
    const auto lock = state_->enter("mountsOn");
    std::vector<MountTableEntry> found;
    for (const auto* mounts : {&state_->mounts, &state_->beneath}) {
        for (const auto& [path, mount] : *mounts) {
            if (std::ranges::count(devices, mount.identity.device) != 0) found.push_back({mount.identity, path});
        }
    }
    return found;
}

std::vector<std::string> FakeKernel::mountsInside(const MountIdentity&, const std::string& mountPoint) {
    const auto lock = state_->enter("mountsInside");
    std::vector<std::string> found;
    for (const auto& [path, mount] : state_->mounts) {
        if (path.starts_with(mountPoint + "/")) found.push_back(path);
    }
    return found;
}

std::vector<Holder> FakeKernel::holders(dev_t device, std::size_t most) {
    const auto lock = state_->enter("holders");
    std::vector<Holder> found;
    for (const auto& [path, mount] : state_->mounts) {
        if (mount.identity.device != device) continue;
        for (const auto& holder : mount.holders) {
            if (found.size() < most) found.push_back(holder);
        }
    }
    return found;
}

FileOrigin FakeKernel::originOf(int fd) {
    FileOrigin origin = findFileOrigin(fd);  // files are real ones here, too
    const auto lock = state_->enter("originOf");
    origin.filesystem = state_->filesystem;
    return origin;
}

UniqueFd FakeKernel::cloneMount(const MountIdentity& identity, const std::string& mountPoint, CloneFor) {
    const auto lock = state_->enter("cloneMount");
    const auto mount = state_->mounts.find(mountPoint);
    if (mount == state_->mounts.end() || mount->second.identity != identity) {
        throw Error{Code::NotMounted, "not mounted on " + mountPoint};
    }
    return UniqueFd{open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
}

void FakeKernel::mapOwners(int, int, uid_t) { static_cast<void>(state_->enter("mapOwners")); }

std::optional<LoopBacking> FakeKernel::loopBacking(const std::string& loopPath) {
    const auto lock = state_->enter("loopBacking");
    for (const auto& [number, node] : state_->devices) {
        if (node.path == loopPath) return node.backing;
    }
    return std::nullopt;
}

std::string FakeKernel::verityUuid(dev_t device) {
    const auto lock = state_->enter("verityUuid");
    const auto node = state_->devices.find(device);
    return node == state_->devices.end() ? std::string{} : node->second.uuid;
}

bool FakeKernel::isCorrupted(const std::string& uuid) {
    const auto lock = state_->enter("isCorrupted");
    return std::ranges::any_of(
        state_->devices, [&](const auto& device) { return device.second.uuid == uuid && device.second.corrupted; });
}

std::size_t FakeKernel::removeStaleDevices(const std::vector<std::string>& keep) {
    const auto lock = state_->enter("removeStaleDevices");
    std::vector<dev_t> stale;
    for (const auto& [number, node] : state_->devices) {
        if (node.stale && node.uuid.starts_with(kVerityUuidPrefix) &&
            std::ranges::find(keep, node.uuid) == keep.end()) {
            stale.push_back(number);
        }
    }
    for (const dev_t number : stale) state_->letGo(number);
    return stale.size();
}

std::unique_ptr<MountWatch> FakeKernel::watchMounts() { return std::make_unique<TableWatch>(state_); }
std::unique_ptr<CorruptionWatch> FakeKernel::watchCorruption() { return std::make_unique<BlockWatch>(state_); }

}  // namespace northstar::test
