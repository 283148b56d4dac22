// SPDX-License-Identifier: Apache-2.0
// The a{sv} options of the methods, taken strictly: an unknown key or a wrong type is InvalidArgs naming the key.
#pragma once

#include <string>

#include "bus/arguments.h"
#include "kernel/kernel.h"

namespace northstar::bus {

struct MountCallOptions {
    std::string target;      // absolute and normal; empty: run_dir/name:version
    std::string repository;  // empty: any
    bool noexec = false;
    VerityMode verity = VerityMode::Eio;
    bool allowUnverified = false;
};

enum class MountKind { Container, File, Many };

// As the option is written.
[[nodiscard]] const char* toString(VerityMode mode);

[[nodiscard]] MountCallOptions decodeMountOptions(const Options& options, MountKind kind);

// Of the unmount calls: is it lazy?
[[nodiscard]] bool decodeUnmountOptions(const Options& options);

// Of the calls that take none but "repository". `withRepository`: is that one allowed?
std::string decodeCommonOptions(const Options& options, bool withRepository);

// Every method allows "auth.no_user_interaction" (b): true unless it says that nobody may be asked.
[[nodiscard]] bool allowsInteraction(const Options& options);

// An absolute path without "//", "/." and a slash at its end. Throws InvalidArgs for "..", a relative path, "/", or one
// with controls.
[[nodiscard]] std::string normalPath(const std::string& path, const std::string& what);

}  // namespace northstar::bus
