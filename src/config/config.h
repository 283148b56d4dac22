// SPDX-License-Identifier: Apache-2.0
// The configuration (TOML): one file, or several of which each takes precedence over the earlier ones, key by key: see
// layers.h. A list replaces the earlier one. Every key has a default; an unknown key or a wrong type is an error that
// names file, line and key, so that a typing mistake never becomes a silent default.
#pragma once

#include <chrono>

#include "base/std.h"
#include "config/layers.h"
#include "config/problems.h"

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
    bool watch = true;              // "directory" only
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

// What the files say, and all that is wrong in them. With problems, the configuration is not to be used.
struct ConfigReport {
    Config config;
    Problems problems;
    std::vector<std::string> files;       // that were read, in the order in which they count
    std::map<std::string, Place> places;  // of each key and table that they have, where it was set last, by its whole
                                          // name: see keyOf(); of what a list of paths holds, with its number: "keys.0"

    // Adds one where the key stands. Without the key, where its table does.
    void problem(const std::string& key, const std::string& what);
};

// The whole name of a key of a repository, or of its table: repositories.vendor.dir, and in quotes as in the file, if
// the name is to be quoted there: repositories."com.example".dir.
[[nodiscard]] std::string keyOf(const std::string& repository, const std::string& key = "");

// Blocks as the files do.
[[nodiscard]] ConfigReport readConfig(const ConfigSource& source);

// The same where any problem is one too many. Throws ConfigError, whose lines begin with "FILE:LINE:COLUMN: ".
[[nodiscard]] Config loadConfig(const ConfigSource& source);

// The files as a line of text: "/etc/northstar/mounter.toml, /usr/lib/...", or that there are none.
[[nodiscard]] std::string nameFiles(const std::vector<std::string>& files);

}  // namespace northstar
