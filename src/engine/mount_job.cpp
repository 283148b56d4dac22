// SPDX-License-Identifier: Apache-2.0
#include "engine/mount_job.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/error.h"
#include "base/hex.h"
#include "base/random.h"

namespace northstar {
namespace {

constexpr std::size_t kMostHolders = 5;            // as many as fit one line
constexpr std::chrono::milliseconds kOneLook{10};  // devices that nobody holds are gone within a millisecond or two
// After a mount that failed: nobody but root and udev can open its devices, so this is rarely needed.
constexpr std::chrono::milliseconds kAfterFailure{1000};

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

LoopBacking backingOf(const LoopSpec& spec) {
    const FileIdentity file = identify(spec.fd);
    return {file.device, file.inode, spec.image.offset};
}

std::uint64_t microsecondsSinceEpoch() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

void mountInSteps(Kernel& kernel, const StateStore& state, const MountRequest& request, MountRecord& record) {
    const Package& package = *request.package;
    const bool useVerity = package.verified() && !request.sealed && request.copies == nullptr;
    if (useVerity && !kernel.verityAvailable()) {
        throw Error{Code::Unsupported,
                    "it must be verified and this kernel has no dm-verity (CONFIG_DM_VERITY); load the "
                    "module dm-verity, or set verification = \"sealed\" in the configuration"};
    }
    std::shared_ptr<const SealedImage> sealed = request.sealed;
    if (!sealed && request.copies != nullptr && package.verified()) sealed = request.copies->get(package, request.stop);
    record.image = sealed;
    const LoopSpec spec{sealed ? sealed->fd.get() : package.fd.get(), sealed ? sealed->image : package.image,
                        request.loopDeviceTimeout};

    record.id = request.id;
    record.name = package.manifest.name;
    record.version = package.manifest.version.text();
    record.repository = request.repository;
    record.source = request.source;
    record.filesystem = toString(package.filesystem);
    record.verified = package.verified();
    record.ownerUid = request.ownerUid;
    record.backing = backingOf(spec);
    if (package.verity) record.rootHash = toHex(package.verity->rootHash);

    const auto loop = kernel.attachLoop(spec);
    record.loopDevice = loop->path();
    std::unique_ptr<Device> verity;
    if (useVerity) {
        const VerityTable table = verityTable(*package.verity, request.verityMode);
        verity = kernel.openVerity(*loop, table);
        record.verityUuid = table.uuid;
        record.diskSequence = verity->diskSequence();
    }
    const Device& source = verity ? *verity : *loop;
    record.device = source.path();
    record.identity.device = source.number();
    const auto mount =
        kernel.mountDetached(source, {record.filesystem, request.noexec, package.manifest.mountContext.value_or("")});
    record.identity = mount->identity();
    record.identity.device = source.number();
    record.mountedAt = microsecondsSinceEpoch();

    // Before the first thing that would outlive a crash. Whether the directory is there already is a guess until then.
    std::error_code unknown;
    record.mountPoint = request.mountPoint;
    record.mountPointCreated = !exists(std::filesystem::symlink_status(request.mountPoint, unknown));
    SavedRecord saved{state, record};
    const auto point = kernel.makeMountPoint(request.mountPoint);
    if (point->path() != record.mountPoint || point->created() != record.mountPointCreated) {
        record.mountPoint = point->path();
        record.mountPointCreated = point->created();
        state.save(record);
    }
    mount->attach(*point);
    point->keep();
    saved.keep();
    if (const auto identity = mount->identity(); identity.id != record.identity.id) {
        record.identity.id = identity.id;  // a kernel without fsmount(2) tells it only now
        record.identity.uniqueId = identity.uniqueId;
        try {
            state.save(record);
        } catch (const Error& error) {  // it is mounted; what is saved will do
            spdlog::warn("{}", error.what());
        }
    }
}

// All is let go of by now; udev may have a device open for a moment.
void awaitUndone(Kernel& kernel, const MountRecord& record) noexcept {
    if (record.loopDevice.empty()) return;
    try {
        if (kernel.awaitRelease(record.devices(), kAfterFailure)) return;
        spdlog::warn("The mount of {} failed, and {} is still held by somebody else; it goes with them",
                     record.container(), deviceLeft(kernel, record));
    } catch (const std::exception& error) {
        spdlog::warn("Cannot see whether {} is gone: {}", record.loopDevice, error.what());
    }
}

}  // namespace

MountRecord mountPackage(Kernel& kernel, const StateStore& state, const MountRequest& request) {
    MountRecord record;
    try {
        mountInSteps(kernel, state, request, record);
        return record;
    } catch (const Error& error) {
        awaitUndone(kernel, record);
        throw Error{error.code(), "Cannot mount " + request.package->manifest.container() + ": " + error.what()};
    }
}

bool releaseDevices(Kernel& kernel, const MountRecord& record) noexcept {
    try {
        return kernel.awaitRelease(record.devices(), kOneLook);
    } catch (const std::exception& error) {  // it is unmounted all the same
        spdlog::warn("Cannot see whether {} is gone: {}", record.device, error.what());
        return true;
    }
}

bool areDevicesGone(Kernel& kernel, const MountRecord& record) noexcept {
    try {
        return kernel.awaitRelease(record.devices(), std::chrono::milliseconds{0});
    } catch (const std::exception&) {  // it is asked again
        return false;
    }
}

std::string deviceLeft(Kernel& kernel, const MountRecord& record) {
    const bool verity = !record.verityUuid.empty() && kernel.verityUuid(record.identity.device) == record.verityUuid;
    return verity ? record.device : record.loopDevice;
}

bool unmountRecord(Kernel& kernel, const StateStore& state, const MountRecord& record, bool lazy) {
    kernel.unmount(record.identity, record.mountPoint,
                   record.mountPointCreated ? MountPointFate::Removed : MountPointFate::Stay,
                   lazy ? UnmountMode::Lazy : UnmountMode::Now);
    state.remove(record.id);
    return releaseDevices(kernel, record);
}

std::string describeHolders(Kernel& kernel, const MountRecord& record) {
    std::string text;
    for (const auto& holder : kernel.holders(record.identity.device, kMostHolders)) {
        text += (text.empty() ? "" : ", ") + std::to_string(holder.pid) + " (" + printable(holder.name) + ", " +
                printable(holder.path) + ")";
    }
    return text.empty() ? "something that /proc does not show (of another namespace?)" : text;
}

bool cleanUpAfterExternalUnmount(Kernel& kernel, const StateStore& state, const MountRecord& record) noexcept {
    try {
        // The directory that was made for the mount is found again the same safe way, and only goes if it is empty.
        if (record.mountPointCreated) kernel.removeMountPoint(record.mountPoint);
    } catch (const std::exception& error) {
        spdlog::warn("Cannot remove the mount point {}: {}", record.mountPoint, error.what());
    }
    try {
        state.remove(record.id);  // last: what was not done before a crash is done at the next start
    } catch (const std::exception& error) {
        spdlog::warn("Cannot clean up after the unmount of {}: {}", record.mountPoint, error.what());
    }
    return releaseDevices(kernel, record);
}

}  // namespace northstar
