// SPDX-License-Identifier: Apache-2.0
// One Mount and one Unmount, top to bottom. Anything that throws on the way undoes the steps before it.
// Run on worker threads; several at once.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "engine/sealed_images.h"
#include "kernel/kernel.h"
#include "package/image/sealed_image.h"
#include "package/package.h"
#include "registry/mount_record.h"
#include "registry/state_store.h"

namespace northstar {

struct MountRequest {
    std::uint32_t id = 0;  // from Registry::reserve
    std::shared_ptr<const Package> package;
    std::shared_ptr<const SealedImage> sealed;  // memory repositories: what to mount instead of the package's image
    SealedImages* copies = nullptr;             // verification "sealed": mount the copy from here, checked if it is new
    std::stop_token stop;                       // gives up the copying
    std::string repository, source, mountPoint;
    bool noexec = false;
    VerityMode verityMode = VerityMode::Eio;
    uid_t ownerUid = 0;
    std::chrono::milliseconds loopDeviceTimeout{5000};
};

// Throws Unsupported, Corrupted, AlreadyMounted, DeviceUnavailable, Timeout, InvalidArgs, Failed.
[[nodiscard]] MountRecord mountPackage(Kernel& kernel, const StateStore& state, const MountRequest& request);

// True if mount point and devices are gone, false if only somebody else holds the devices: look again with
// releaseDevices. Throws Busy, NotMounted, Failed; then the mount is as it was.
bool unmountRecord(Kernel& kernel, const StateStore& state, const MountRecord& record, bool lazy);

// The processes that hold the mount, as a part of a sentence. Can take seconds, see Kernel::holders.
[[nodiscard]] std::string describeHolders(Kernel& kernel, const MountRecord& record);

// One look, of milliseconds, at whether the devices of a mount that is gone are gone, helping them along. True also if
// that cannot be seen, which is logged.
bool releaseDevices(Kernel& kernel, const MountRecord& record) noexcept;

// The same at a glance, without waiting; false also if it cannot be seen.
bool areDevicesGone(Kernel& kernel, const MountRecord& record) noexcept;

// Which of the devices of a mount that is gone somebody still holds, "/dev/dm-0": the upper one if it is there.
[[nodiscard]] std::string deviceLeft(Kernel& kernel, const MountRecord& record);

// What is left to do for a mount that somebody else took down: directory, devices, record. Returns what releaseDevices
// does. Never throws.
bool cleanUpAfterExternalUnmount(Kernel& kernel, const StateStore& state, const MountRecord& record) noexcept;

}  // namespace northstar
