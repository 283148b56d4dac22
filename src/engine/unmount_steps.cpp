// SPDX-License-Identifier: Apache-2.0
// What blocks of an unmount, and of seeing its devices go.
#include <fmt/format.h>

#include <chrono>

#include "base/error.h"
#include "base/log.h"
#include "base/std.h"
#include "engine/mount_steps.h"
#include "kernel/mount.h"
#include "registry/mount_record.h"

namespace northstar {
namespace {

constexpr std::size_t kMostHolders = 5;            // as many as fit one line
constexpr std::chrono::milliseconds kOneLook{10};  // devices that nobody holds are gone within a millisecond or two

}  // namespace

bool MountSteps::unmount(const MountRecord& record, UnmountMode how) const {
    kernel_.unmount(record.identity, record.mountPoint,
                    record.mountPointCreated ? MountPointFate::Removed : MountPointFate::Stay, how);
    state_.remove(record.id);
    const bool released = releaseDevices(record);
    images_.release(record.id);
    return released;
}

bool MountSteps::cleanUpAfterExternalUnmount(const MountRecord& record) const noexcept {
    try {
        // The directory that was made for the mount is found again the same safe way, and only goes if it is empty.
        if (record.mountPointCreated) kernel_.removeMountPoint(record.mountPoint);
    } catch (const std::exception& error) {
        log::warn("Cannot remove the mount point {}: {}", record.mountPoint, error.what());
    }
    state_.remove(record.id);  // last: what was not done before a crash is done at the next start
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

std::string MountSteps::describeHolders(const MountRecord& record) const {
    std::string text;
    for (const auto& [pid, name, path] : kernel_.holders(record.identity.device, kMostHolders)) {
        text += fmt::format("{}{} ({}, {})", text.empty() ? "" : ", ", pid, printable(name), printable(path));
    }
    return text.empty() ? "something that /proc does not show (of another namespace?)" : text;
}

}  // namespace northstar
