// SPDX-License-Identifier: Apache-2.0
// Packages that are named by their path, read here and with the rights of the user, without the service.
#pragma once

#include "base/std.h"
#include "base/unique_fd.h"
#include "cli/arguments.h"
#include "cli/output.h"
#include "package/package.h"

namespace northstar::cli {

// Is this word the path of a package? What ends in .npk or begins as a path is; what has a slash elsewhere is, if such
// a file is there: a container may be called by its repository, too (vendor/hello).
[[nodiscard]] bool isPackagePath(const std::string& word);

// The service does not know the working directory: absolute, without "." and "..".
[[nodiscard]] std::string absolutePath(const std::string& path);

// Without waiting for anything. Throws FileNotFound, AccessDenied, Failed.
[[nodiscard]] UniqueFd openFile(const std::string& path);

// Opens and checks it. Verified if one of the keys of --key signed it, or of the configuration of this machine if none
// is given; else not verified. Throws as openPackage() of src/package.
[[nodiscard]] Package readPackage(const std::string& path, const Arguments& arguments);

// The word itself, or the container (name:version) of the package that it is the path of.
[[nodiscard]] std::string containerOf(const std::string& word, const Arguments& arguments);

// What `inspect` tells of a file.
[[nodiscard]] Json factsOf(const Package& package, const std::string& path);

// Reads the whole image against its hash tree, and shows on a terminal how far it is. Throws Corrupted;
// InvalidSignature if none of the keys signed it.
void verifyPackage(const Package& package, const std::string& path);

}  // namespace northstar::cli
