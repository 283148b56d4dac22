// SPDX-License-Identifier: Apache-2.0
// One mount: what, where, for whom, how. Made when a call is understood, filled in place as more becomes known, and
// what the blocking steps work from; and what polkit's rules, and the people that it asks, see of it.
#pragma once

#include <sys/types.h>

#include <chrono>

#include "auth/authorizer.h"
#include "base/std.h"
#include "config/config.h"
#include "kernel/device.h"
#include "package/container_name.h"
#include "package/image/sealed_image.h"
#include "package/package.h"
#include "registry/mount_record.h"

namespace northstar {

// What a caller asks for, as far as it is the same for all mount calls.
struct MountRequest {
    std::string target{};      // absolute and normal; empty: run_dir/name:version
    std::string repository{};  // empty: any
    bool noexec = false;
    VerityMode verity = VerityMode::Eio;
    bool allowUnverified = false;  // files only: whoever signed it
};

struct MountPlan {
    MountRequest how;

    // What. Of a file the container is known when it has been read.
    ContainerName container{};
    std::string repository{};  // empty: a file or descriptor
    std::string source{};      // path of the package, "memory", or what a descriptor may be called
    bool isPrivate = false;    // who mounts it may know where it is, others not
    bool verified = false;     // what the caller is authorized for
    Verification verification = Verification::DmVerity;
    std::shared_ptr<const Package> package{};
    std::shared_ptr<const SealedImage> sealed{};  // memory repositories: mounted in place of the package's image

    // Where.
    std::string mountPoint{};

    std::optional<MountRecord> inPlaceOf{};  // what is there, and stays until this one is beneath it

    // For whom.
    uid_t owner = 0;
    std::uint32_t id = 0;  // from Registry::reserve

    std::chrono::milliseconds loopDeviceTimeout{5000};
};

// As the option is written.
[[nodiscard]] const char* toString(VerityMode mode);

// Of a container; an empty repository: a file or descriptor.
[[nodiscard]] Details containerDetails(const ContainerName& container, const std::string& repository, bool verified);

// Of a mount that exists.
[[nodiscard]] Details mountedDetails(const MountRecord& record);

// Of a mount that is asked for, once its container is known.
[[nodiscard]] Details planDetails(const MountPlan& plan);

// Of a file that has not been read: only where it comes from and goes to. `place`: the target, or the directory in
// which its mount point will be.
[[nodiscard]] Details unreadDetails(const MountPlan& plan, const std::string& place);

// What a person is asked, with what the kernel will do about damage if that is more than to fail a read.
[[nodiscard]] std::string askToMount(const std::string& what, VerityMode mode);

}  // namespace northstar
