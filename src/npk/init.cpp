// SPDX-License-Identifier: Apache-2.0
// init: a manifest to begin with.
#include <fmt/format.h>

#include <iostream>

#include "base/error.h"
#include "base/std.h"
#include "npk/commands.h"
#include "package/key_file.h"
#include "package/manifest.h"

namespace northstar::npk {
namespace {

constexpr const char* kMinimal = "name: {}\nversion: {}\nuid: 1000\ngid: 1000\n";

constexpr const char* kCommented =
    R"(# What the package is. npk(5) describes all keys; one that is not known is an error.

# The container is called NAME:VERSION. The name is made of letters, digits and . _ -
name: {}
# MAJOR.MINOR.PATCH, see semver.org
version: {}

# Whose rights a program of it runs with: numbers from 1 to 65535. Never root.
uid: 1000
gid: 1000

# The program, as a path inside the package. Without it the package holds resources only.
#init: /bin/hello

# Arguments and environment of the program.
#args:
#  - --verbose
#env:
#  LANG: C.UTF-8

# The SELinux context that the mount gets.
#selinux:
#  mount_context: system_u:object_r:usr_t:s0

# Anything, for your own use.
#custom:
#  maintainer: somebody
)";

}  // namespace

void init(const InitOptions& options) {
    const std::string text =
        fmt::format(fmt::runtime(options.minimal ? kMinimal : kCommented), options.name, options.version);
    try {
        static_cast<void>(parseManifest(text));  // name and version come from outside
    } catch (const Error& error) {
        throw Error{Code::InvalidArgs, std::string{"Cannot make a manifest: "} + error.what()};
    }
    if (options.path == "-") {
        std::cout << text;
    } else {
        writeNewFile(options.path, text, 0644);
    }
}

}  // namespace northstar::npk
