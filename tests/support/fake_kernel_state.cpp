// SPDX-License-Identifier: Apache-2.0
// The books of the fake kernel, and what tests read from them and order with them.
#include "support/fake_kernel_state.h"

#include <sys/eventfd.h>
#include <sys/sysmacros.h>

#include <algorithm>

namespace northstar::test {

std::unique_lock<std::mutex> FakeKernel::State::enter(const std::string& call) {
    std::unique_lock lock{mutex};
    const std::size_t index = calls.size();
    calls.push_back(call);
    for (const auto& gate : std::vector{gates}) {
        if (gate->call != call || gate->open) continue;
        ++gate->waiting;
        changed.notify_all();
        changed.wait(lock, [&] { return gate->open; });
        --gate->waiting;
    }
    if (const auto ordered = failuresAt.extract(index); !ordered.empty()) throw Error{ordered.mapped()};
    if (const auto ordered = failures.extract(call); !ordered.empty()) throw Error{ordered.mapped()};
    return lock;
}

dev_t FakeKernel::State::addDevice(unsigned major, const std::string& prefix, Node node) {
    unsigned minor = 0;  // the lowest that is free: numbers are used again, as the real kernel does
    while (devices.contains(makedev(major, minor))) ++minor;
    node.path = prefix + std::to_string(minor);
    node.sequence = ++lastSequence;
    devices.emplace(makedev(major, minor), std::move(node));
    return makedev(major, minor);
}

dev_t FakeKernel::State::numberOf(const std::string& path) const {
    return std::ranges::find_if(devices, [&](const auto& device) { return device.second.path == path; })->first;
}

void FakeKernel::State::letGo(dev_t device) {
    Node& node = devices.at(device);
    if (--node.holders > 0) return;
    const dev_t below = node.below;
    devices.erase(device);
    if (below != 0) letGo(below);
    changed.notify_all();
}

void FakeKernel::State::tell(const std::set<int>& watches) const {
    for (const int fd : watches) eventfd_write(fd, 1);
}

void FakeKernel::State::take(const std::string& mountPoint) {
    const auto entry = mounts.extract(mountPoint);
    if (entry.mapped().busy) {
        lazilyDetached[mountPoint] = entry.mapped();
    } else {
        letGo(entry.mapped().identity.device);
    }
    if (auto next = beneath.extract(mountPoint); !next.empty()) mounts.insert(std::move(next));
    tell(mountWatches);
}

void FakeKernel::State::remove(const std::string& mountPoint, const MadeDirectory& made) {
    if (!made.isThere()) return;
    for (const std::string& place : {mountPoint, made.path}) {
        const auto directory = directories.find(place);
        if (directory == directories.end() || mounts.contains(place)) continue;
        if (made.inode != 0 && made.inode != directory->second) continue;
        directories.erase(directory);
        return;
    }
}

FakeKernel::FakeKernel() : state_{std::make_shared<State>()} {}
FakeKernel::~FakeKernel() = default;

void FakeKernel::setVerityAvailable(bool available) {
    const std::lock_guard lock{state_->mutex};
    state_->verity = available;
}

void FakeKernel::setOld(bool old) {
    const std::lock_guard lock{state_->mutex};
    state_->old = old;
}

void FakeKernel::setFilesystemType(const std::string& type) {
    const std::lock_guard lock{state_->mutex};
    state_->filesystem = type;
}

void FakeKernel::failAt(std::size_t n, const Error& error) {
    const std::lock_guard lock{state_->mutex};
    state_->failuresAt.insert_or_assign(state_->calls.size() + n, error);
}

void FakeKernel::failNext(const std::string& call, const Error& error) {
    const std::lock_guard lock{state_->mutex};
    state_->failures.insert_or_assign(call, error);
}

std::vector<std::string> FakeKernel::calls() const {
    const std::lock_guard lock{state_->mutex};
    return state_->calls;
}

std::vector<std::string> FakeKernel::live() const {
    const std::lock_guard lock{state_->mutex};
    std::vector<std::string> all;
    for (const auto& [number, node] : state_->devices) all.push_back(node.path);
    for (const auto& [path, inode] : state_->directories) all.push_back("dir " + path);
    for (const auto& [path, mount] : state_->mounts) all.push_back("mount " + path);
    std::ranges::sort(all);
    return all;
}

VerityTable FakeKernel::lastVerity() const {
    const std::lock_guard lock{state_->mutex};
    return state_->lastVerity;
}

MountOptions FakeKernel::lastMountOptions() const {
    const std::lock_guard lock{state_->mutex};
    return state_->lastOptions;
}

void FakeKernel::addDirectory(const std::string& path) {
    const std::lock_guard lock{state_->mutex};
    state_->directories.emplace(path, ++state_->lastInode);
}

void FakeKernel::keepBusy(const std::string& mountPoint, std::vector<Holder> holders) {
    const std::lock_guard lock{state_->mutex};
    auto& mount = state_->mounts.at(mountPoint);
    mount.busy = true;
    mount.holders = std::move(holders);
}

void FakeKernel::release(const std::string& mountPoint) {
    const std::lock_guard lock{state_->mutex};
    if (const auto mount = state_->mounts.find(mountPoint); mount != state_->mounts.end()) {
        mount->second.busy = false;
        mount->second.holders.clear();
    }
    if (const auto gone = state_->lazilyDetached.extract(mountPoint); !gone.empty()) {
        state_->letGo(gone.mapped().identity.device);
    }
}

void FakeKernel::unmountExternally(const std::string& mountPoint) {
    const std::lock_guard lock{state_->mutex};
    state_->take(mountPoint);
}

void FakeKernel::openDevice(const std::string& path) {
    const std::lock_guard lock{state_->mutex};
    state_->hold(state_->numberOf(path));
}

void FakeKernel::closeDevice(const std::string& path) {
    const std::lock_guard lock{state_->mutex};
    state_->letGo(state_->numberOf(path));
}

void FakeKernel::moveMount(const std::string& from, const std::string& to) {
    const std::lock_guard lock{state_->mutex};
    state_->mounts[to] = state_->mounts.extract(from).mapped();
    state_->tell(state_->mountWatches);
}

void FakeKernel::renameAbove(const std::string& from, const std::string& to) {
    const std::lock_guard lock{state_->mutex};
    state_->mounts[to] = state_->mounts.extract(from).mapped();
    state_->directories[to] = state_->directories.extract(from).mapped();
}

void FakeKernel::corrupt(const std::string& mountPoint, std::uint64_t block) {
    corruptUnseen(mountPoint);
    tell(corruptionOf(mountPoint, block));
}

void FakeKernel::corruptUnseen(const std::string& mountPoint) {
    const std::lock_guard lock{state_->mutex};
    state_->devices.at(state_->mounts.at(mountPoint).identity.device).corrupted = true;
}

void FakeKernel::loseCorruptionEvents() {
    const std::lock_guard lock{state_->mutex};
    state_->corruptionsLost = true;
    state_->tell(state_->corruptionWatches);
}

Corruption FakeKernel::corruptionOf(const std::string& mountPoint, std::uint64_t block) const {
    const std::lock_guard lock{state_->mutex};
    const dev_t device = state_->mounts.at(mountPoint).identity.device;
    return {device, state_->devices.at(device).sequence, false, block};
}

void FakeKernel::tell(const Corruption& event) {
    const std::lock_guard lock{state_->mutex};
    state_->corruptions.push_back(event);
    state_->tell(state_->corruptionWatches);
}

void FakeKernel::addStaleVerity(const std::string& uuid) {
    const std::lock_guard lock{state_->mutex};
    const dev_t loop = state_->addDevice(7, "/dev/loop", {{}, {}, {}, 0, 1});
    state_->addDevice(253, "/dev/dm-", {{}, uuid, {}, loop, 1, true});
}

FakeKernel::Gate::Gate(FakeKernel& kernel, std::string call)
    : kernel_{kernel}, shared_{std::make_shared<Shared>(Shared{std::move(call), 0, false})} {
    const std::lock_guard lock{kernel_.state_->mutex};
    kernel_.state_->gates.push_back(shared_);
}

FakeKernel::Gate::~Gate() { open(); }

bool FakeKernel::Gate::waitFor(std::size_t calls) const {
    std::unique_lock lock{kernel_.state_->mutex};
    return kernel_.state_->changed.wait_for(lock, std::chrono::seconds{5}, [&] { return shared_->waiting >= calls; });
}

void FakeKernel::Gate::open() {
    const std::lock_guard lock{kernel_.state_->mutex};
    shared_->open = true;
    std::erase(kernel_.state_->gates, shared_);
    kernel_.state_->changed.notify_all();
}

}  // namespace northstar::test
