// SPDX-License-Identifier: Apache-2.0
// The configuration file (TOML). Every key has a default; an unknown key or a wrong type is an error that names
// file, line and key, so that a typing mistake never becomes a silent default.
#pragma once

#include <chrono>

#include "base/std.h"

namespace northstar {

enum class Verification { DmVerity, Sealed };
enum class Authorization { Polkit, RootOnly };
enum class RepositoryType { Directory, Memory };

struct Limits {
    std::uint32_t mounts = 4096;
    std::uint32_t mountsPerUid = 256;  // uid 0 is exempt
    std::uint32_t pendingCallsPerClient = 64;
};

struct RepositoryConfig {
    RepositoryType type = RepositoryType::Directory;
    std::string dir;                // "directory" only; default /var/lib/northstar/NAME
    std::vector<std::string> keys;  // files; empty: unverified
    Verification verification = Verification::DmVerity;
    bool mountOnStart = false;
    std::uint64_t capacity = 0;       // bytes; 0: no limit
    std::uint32_t maxContainers = 0;  // 0: no limit
};

struct Config {
    std::string runDir = "/run/northstar";  // this and the next without symlinks: see resolveDirectory()
    std::string stateDir = "/run/northstar-mounter";
    std::chrono::milliseconds loopDeviceTimeout{5000};
    unsigned workers = 0;  // 0: one per processor
    Authorization authorization = Authorization::Polkit;
    Limits limits;
    std::vector<std::string> fileKeys;  // for MountFile and MountFd, beside those of the repositories
    Verification fileVerification = Verification::DmVerity;
    std::map<std::string, RepositoryConfig> repositories;  // by name: see value.h
};

// Throws Failed with "FILE:LINE: ...". A file that is not there is an error too.
[[nodiscard]] Config loadConfig(const std::string& path);

}  // namespace northstar
