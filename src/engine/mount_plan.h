// SPDX-License-Identifier: Apache-2.0
// One mount: what, where, for whom, how. Made when a call is understood, filled in place as more becomes known, and
// what the blocking steps work from.
#pragma once

#include <sys/types.h>

#include <chrono>

#include "base/std.h"
#include "config/config.h"
#include "kernel/device.h"
#include "package/container_name.h"
#include "package/image/sealed_image.h"
#include "package/package.h"

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
    bool verified = false;     // what the caller is authorized for
    Verification verification = Verification::DmVerity;
    std::shared_ptr<const Package> package{};
    std::shared_ptr<const SealedImage> sealed{};  // memory repositories: mounted in place of the package's image

    // Where.
    std::string mountPoint{};

    // For whom.
    uid_t owner = 0;
    std::uint32_t id = 0;  // from Registry::reserve

    std::chrono::milliseconds loopDeviceTimeout{5000};
};

}  // namespace northstar
