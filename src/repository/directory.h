// SPDX-License-Identifier: Apache-2.0
// The directory of a repository and the files in it, opened so that nobody who may write there leads the service
// elsewhere. All of it may block as long as the directory's filesystem likes.
#pragma once

#include "base/std.h"
#include "base/unique_fd.h"

namespace northstar {

// For reading. Symlinks on the way count as path.h has it. Throws NoSuchRepository if it is not there, Failed.
[[nodiscard]] UniqueFd openRepositoryDirectory(const std::string& path);

// "*.npk", not hidden: partial copies of rsync are.
[[nodiscard]] bool isPackageName(const std::string& name);

// The files that may be packages, sorted: those of such a name that is printable (others could not be shown on the bus;
// they are logged). Throws Failed.
[[nodiscard]] std::vector<std::string> listPackages(const UniqueFd& directory, const std::string& path);

// A regular file of the directory itself: no symlink, and nothing that is mounted over it. Throws InvalidPackage.
[[nodiscard]] UniqueFd openPackageIn(const UniqueFd& directory, const std::string& name);

}  // namespace northstar
