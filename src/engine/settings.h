// SPDX-License-Identifier: Apache-2.0
// What the configuration says, and the keys that it names. One value for the whole process; a Reload changes it in
// place. Bus thread only.
#pragma once

#include "base/std.h"
#include "config/config.h"
#include "package/keys.h"

namespace northstar {

struct Settings {
    std::string path;  // of the configuration file
    Config config;
    KeyRing fileKeys;  // for MountFile and MountFd: those of [files] and of all repositories

    [[nodiscard]] std::string defaultMountPoint(const std::string& container) const {
        return config.runDir + "/" + container;
    }
};

}  // namespace northstar
