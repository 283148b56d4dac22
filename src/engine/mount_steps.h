// SPDX-License-Identifier: Apache-2.0
// What blocks of a mount and an unmount, top to bottom. Anything that throws on the way undoes the steps before it.
// For worker threads; several at once.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <stop_token>

#include "base/std.h"
#include "engine/mount_plan.h"
#include "kernel/kernel.h"
#include "kernel/mount.h"
#include "package/image/sealed_image.h"
#include "package/package.h"
#include "registry/mount_record.h"
#include "registry/state_store.h"

namespace northstar {

// Sealed copies that mounts share: one for an image, however often it is mounted, and who keeps it. Thread-safe.
class SealedImages {
public:
    // The copy of this package's image that somebody still has, or a new one; it lives as long as who asked for it
    // keeps it. Two threads that ask for one image at the same time may get two. Blocks; throws what sealImage()
    // throws.
    [[nodiscard]] std::shared_ptr<const SealedImage> get(const Package& package, const std::stop_token& stop);

    // A mount uses this copy, until it is released.
    void keep(std::uint32_t mount, std::shared_ptr<const SealedImage> image);
    // Nothing happens if that mount keeps none. Whoever lets go of a copy last gives back its memory, which takes time.
    void release(std::uint32_t mount) noexcept;

    // How many copies there are.
    [[nodiscard]] std::size_t size() const;

private:
    mutable std::mutex mutex_;
    std::map<std::uint32_t, std::shared_ptr<const SealedImage>> mounted_;
    std::map<std::string, std::weak_ptr<const SealedImage>> images_;  // by what their content was checked against
};

class MountSteps {
public:
    // `stateDirectory`: see StateStore; made if it is not there. `stop` gives up the copying of images.
    MountSteps(Kernel& kernel, const std::string& stateDirectory, std::stop_token stop = {})
        : kernel_{kernel}, state_{stateDirectory}, stop_{std::move(stop)} {}

    [[nodiscard]] Kernel& kernel() const noexcept { return kernel_; }
    [[nodiscard]] const StateStore& state() const noexcept { return state_; }

    [[nodiscard]] const SealedImages& sealedImages() const noexcept { return images_; }

    // Throws Unsupported, Corrupted, AlreadyMounted, DeviceUnavailable, Timeout, InvalidArgs, Failed.
    [[nodiscard]] MountRecord mount(const MountPlan& plan) const;

    // Takes down what a mount has taken the place of, whoever uses it: its files stay readable for them. Returns what
    // unmount() does. Throws Busy if something was mounted over it, Failed.
    bool takeDownReplaced(const MountRecord& record) const;

    // True if mount point and devices are gone, false if only somebody else holds the devices: look again with
    // releaseDevices. Throws Busy, NotMounted, Failed; then the mount is as it was.
    bool unmount(const MountRecord& record, UnmountMode how) const;

    // What is left to do for a mount that somebody else took down: directory, devices, record. Returns what
    // releaseDevices does.
    bool cleanUpAfterExternalUnmount(const MountRecord& record) const noexcept;

    // One look, of milliseconds, at whether the devices of a mount that is gone are gone, helping them along.
    // True also if that cannot be seen, which is logged.
    bool releaseDevices(const MountRecord& record) const noexcept;

    // The same at a glance, without waiting; false also if it cannot be seen.
    [[nodiscard]] bool areDevicesGone(const MountRecord& record) const noexcept;

    // Which of the devices of a mount that is gone somebody still holds, "/dev/dm-0": the upper one if it is there.
    [[nodiscard]] std::string deviceLeft(const MountRecord& record) const;

    // The processes that hold the mount, their paths below its mount point alone unless root asks. Can take seconds,
    // see Kernel::holders.
    [[nodiscard]] std::vector<Holder> holders(const MountRecord& record, uid_t asking) const;

    // The same, as a part of a sentence. Can take seconds, see Kernel::holders.
    [[nodiscard]] std::string describeHolders(const MountRecord& record, uid_t asking) const;

private:
    void mountInSteps(const MountPlan& plan, MountRecord& record) const;
    void attach(const MountPlan& plan, DetachedMount& mount, MountRecord& record) const;
    void attachBeneath(const MountRecord& there, DetachedMount& mount, MountRecord& record) const;
    void awaitUndone(const MountRecord& record) const noexcept;
    bool letGo(const MountRecord& record) const noexcept;

    Kernel& kernel_;
    StateStore state_;
    mutable SealedImages images_;  // locks itself
    std::stop_token stop_;
};

}  // namespace northstar
