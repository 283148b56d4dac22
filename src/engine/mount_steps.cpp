// SPDX-License-Identifier: Apache-2.0
#include "engine/mount_steps.h"

#include <fmt/format.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "base/hex.h"
#include "base/log.h"
#include "config/config.h"
#include "kernel/device.h"
#include "package/image/superblock.h"
#include "package/package.h"

namespace northstar {
namespace {

// After a mount that failed: nobody but root and udev can open its devices, so this is rarely needed.
constexpr std::chrono::milliseconds kAfterFailure{1000};
constexpr std::chrono::milliseconds kOneLook{10};  // devices that nobody holds are gone within a millisecond or two
constexpr std::size_t kMostListedHolders = 1000;
constexpr std::size_t kMostHolders = 5;  // as many as fit one line

// The root hash stands for the whole content; empty for what is not verified, which sealImage() refuses.
std::string keyOf(const Package& package) {
    if (!package.verity) return {};
    return toHex(package.verity->rootHash) + " " + toHex(package.verity->salt) + " " +
           std::to_string(package.verity->dataBlocks);
}

VerityTable verityTable(const Verity& verity, VerityMode mode) {
    const std::string unique = randomHex();
    return {kVerityNamePrefix + unique, kVerityUuidPrefix + unique, verity.dataBlocks,  verity.hashStartBlock(),
            Verity::kBlockSize,         toHex(verity.rootHash),     toHex(verity.salt), mode};
}

// The record in the state directory; removed again unless kept.
class SavedRecord {
public:
    SavedRecord(const StateStore& state, const MountRecord& record) : state_{state}, id_{record.id} {
        state_.save(record);
    }
    ~SavedRecord() {
        if (!kept_) state_.remove(id_);
    }
    SavedRecord(const SavedRecord&) = delete;
    SavedRecord& operator=(const SavedRecord&) = delete;
    void keep() { kept_ = true; }

private:
    const StateStore& state_;
    std::uint32_t id_;
    bool kept_ = false;
};

// Where others have bound the mount to, or have it in namespaces of their own, is not for everybody to know.
std::vector<Holder> shownTo(uid_t asking, const MountRecord& record, std::vector<Holder> holders) {
    for (Holder& holder : holders) {
        const bool inside = holder.path == record.mountPoint || holder.path.starts_with(record.mountPoint + "/");
        if (asking != 0 && !inside) holder.path.clear();
    }
    return holders;
}

std::uint64_t microsecondsSinceEpoch() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

// What it is, before any device is.
MountRecord describe(const MountPlan& plan) {
    const Package& package = *plan.package;
    MountRecord record;
    record.id = plan.id;
    record.name = plan.container.name;
    record.version = plan.container.version;
    record.repository = plan.repository;
    record.source = plan.isPrivate ? "private" : plan.source;
    record.mountPoint = plan.mountPoint;
    record.filesystem = toString(package.filesystem);
    record.verified = package.verified();
    record.ownerUid = plan.owner;
    if (package.verity) record.rootHash = toHex(package.verity->rootHash);
    return record;
}

}  // namespace

std::shared_ptr<const SealedImage> SealedImages::get(const Package& package, const std::stop_token& stop) {
    const std::string key = keyOf(package);
    {
        const std::lock_guard lock{mutex_};
        std::erase_if(images_, [](const auto& image) { return image.second.expired(); });
        const auto known = images_.find(key);
        if (const auto image = known != images_.end() ? known->second.lock() : nullptr) return image;
    }
    const auto image =
        std::make_shared<const SealedImage>(sealImage(package.fd.get(), package.image, package.verity, 0, stop));
    const std::lock_guard lock{mutex_};
    images_.insert_or_assign(key, image);
    return image;
}

void SealedImages::keep(std::uint32_t mount, std::shared_ptr<const SealedImage> image) {
    const std::lock_guard lock{mutex_};
    mounted_.insert_or_assign(mount, std::move(image));
}

void SealedImages::release(std::uint32_t mount) noexcept {
    decltype(mounted_)::node_type last;  // destroyed without the lock
    const std::lock_guard lock{mutex_};
    last = mounted_.extract(mount);
}

std::size_t SealedImages::size() const {
    const std::lock_guard lock{mutex_};
    return static_cast<std::size_t>(
        std::ranges::count_if(images_, [](const auto& image) { return !image.second.expired(); }));
}

MountRecord MountSteps::mount(const MountPlan& plan) const {
    MountRecord record = describe(plan);
    try {
        mountInSteps(plan, record);
        return record;
    } catch (const Error& error) {
        awaitUndone(record);
        throw Error{error.code(), "Cannot mount " + plan.container.text() + ": " + error.what()};
    }
}

void MountSteps::mountInSteps(const MountPlan& plan, MountRecord& record) const {
    const Package& package = *plan.package;
    const bool copied = plan.verification == Verification::Sealed && package.verified();
    const auto sealed = !plan.sealed && copied ? images_.get(package, stop_) : plan.sealed;
    const bool useVerity = package.verified() && !sealed;
    if (useVerity && !kernel_.verityAvailable()) {
        throw Error{Code::Unsupported,
                    "it must be verified and this kernel has no dm-verity (CONFIG_DM_VERITY); load the "
                    "module dm-verity, or set verification = \"sealed\" in the configuration"};
    }
    const LoopSpec spec{sealed ? sealed->fd.get() : package.fd.get(), sealed ? sealed->image : package.image,
                        plan.loopDeviceTimeout};
    const FileIdentity file = identify(spec.fd);
    record.backing = {file.device, file.inode, spec.image.offset};
    const auto loop = kernel_.attachLoop(spec);
    record.loopDevice = loop->path();

    std::unique_ptr<Device> verity;
    if (useVerity) {
        const VerityTable table = verityTable(*package.verity, plan.how.verity);
        verity = kernel_.openVerity(*loop, table);
        record.verityUuid = table.uuid;
        record.diskSequence = verity->diskSequence();
    }
    const Device& source = verity ? *verity : *loop;
    record.device = source.path();
    record.identity.device = source.number();
    const auto mount =
        kernel_.mountDetached(source, {record.filesystem, plan.how.noexec, package.manifest.mountContext.value_or("")});
    record.identity = mount->identity();
    record.identity.device = source.number();
    record.mountedAt = microsecondsSinceEpoch();
    if (plan.inPlaceOf) {
        attachBeneath(*plan.inPlaceOf, *mount, record);
    } else {
        attach(plan, *mount, record);
    }
    if (sealed) images_.keep(record.id, sealed);
}

void MountSteps::attach(const MountPlan& plan, DetachedMount& mount, MountRecord& record) const {
    // Before the first thing that would outlive a crash. Whether the directory is there already is a guess until then.
    std::error_code unknown;
    const std::filesystem::path directory = std::filesystem::path{plan.mountPoint}.parent_path();
    if (plan.how.target.empty()) std::filesystem::create_directory(directory, unknown);  // run_dir: somebody removed it
    if (!exists(std::filesystem::symlink_status(plan.mountPoint, unknown))) record.made.path = plan.mountPoint;
    SavedRecord saved{state_, record};
    const auto point = kernel_.makeMountPoint(plan.mountPoint);
    if (point->path() != record.mountPoint || point->made() != record.made) {
        record.mountPoint = point->path();
        record.made = point->made();
        state_.save(record);
    }
    mount.attach(*point);
    point->keep();
    saved.keep();
    if (const auto identity = mount.identity(); identity.id != record.identity.id) {
        record.identity.id = identity.id;  // a kernel without fsmount(2) tells it only now
        record.identity.uniqueId = identity.uniqueId;
        try {
            state_.save(record);
        } catch (const Error& error) {  // it is mounted; what is saved will do
            log::warn("{}", error.what());
        }
    }
}

// The directory is the new one's from now on. A service that dies between the two steps finds in the record what to do.
void MountSteps::attachBeneath(const MountRecord& there, DetachedMount& mount, MountRecord& record) const {
    record.made = there.made;
    record.replaces = there.id;
    SavedRecord saved{state_, record};
    mount.attachBeneath(there.identity, there.mountPoint);
    saved.keep();
}

bool MountSteps::takeDownReplaced(const MountRecord& record) const {
    try {
        kernel_.unmount(record.identity, record.mountPoint, {}, UnmountMode::Lazy);
    } catch (const Error& error) {
        if (error.code() != Code::NotMounted) throw;  // somebody was quicker
    }
    return letGo(record);
}

// All is let go of by now; udev may have a device open for a moment.
void MountSteps::awaitUndone(const MountRecord& record) const noexcept {
    if (record.loopDevice.empty()) return;
    try {
        if (kernel_.awaitRelease(record.devices(), kAfterFailure)) return;
        log::warn("The mount of {} failed, and {} is still held by somebody else; it goes with them",
                  record.container(), deviceLeft(record));
    } catch (const std::exception& error) {
        log::warn("Cannot see whether {} is gone: {}", record.loopDevice, error.what());
    }
}

bool MountSteps::unmount(const MountRecord& record, UnmountMode how) const {
    kernel_.unmount(record.identity, record.mountPoint, record.made, how);
    return letGo(record);
}

bool MountSteps::cleanUpAfterExternalUnmount(const MountRecord& record) const noexcept {
    try {
        if (record.made.isThere()) kernel_.removeMountPoint(record.mountPoint, record.made);
    } catch (const std::exception& error) {
        log::warn("Cannot remove the mount point {}: {}", record.mountPoint, error.what());
    }
    return letGo(record);  // last: what was not done before a crash is done at the next start
}

bool MountSteps::letGo(const MountRecord& record) const noexcept {
    state_.remove(record.id);
    const bool released = releaseDevices(record);
    images_.release(record.id);
    return released;
}

bool MountSteps::releaseDevices(const MountRecord& record) const noexcept {
    try {
        return kernel_.awaitRelease(record.devices(), kOneLook);
    } catch (const std::exception& error) {  // it is unmounted all the same
        log::warn("Cannot see whether {} is gone: {}", record.device, error.what());
        return true;
    }
}

bool MountSteps::areDevicesGone(const MountRecord& record) const noexcept {
    try {
        return kernel_.awaitRelease(record.devices(), std::chrono::milliseconds{0});
    } catch (const std::exception&) {  // it is asked again
        return false;
    }
}

std::string MountSteps::deviceLeft(const MountRecord& record) const {
    const bool verity = !record.verityUuid.empty() && kernel_.verityUuid(record.identity.device) == record.verityUuid;
    return verity ? record.device : record.loopDevice;
}

std::vector<Holder> MountSteps::holders(const MountRecord& record, uid_t asking) const {
    return shownTo(asking, record, kernel_.holders(record.identity.device, kMostListedHolders));
}

std::string MountSteps::describeHolders(const MountRecord& record, uid_t asking) const {
    std::string text;
    const auto add = [&](const std::string& holder) { text += (text.empty() ? "" : ", ") + holder; };
    for (const std::string& path : kernel_.mountsInside(record.identity, record.mountPoint)) {
        add("what is mounted on " + printable(path));
    }
    const auto holders = shownTo(asking, record, kernel_.holders(record.identity.device, kMostHolders));
    for (const auto& [pid, name, path] : holders) {
        add(fmt::format("{} ({}{}{})", pid, printable(name), path.empty() ? "" : ", ", printable(path)));
    }
    return text.empty() ? "something that /proc does not show (of another namespace?)" : text;
}

}  // namespace northstar
