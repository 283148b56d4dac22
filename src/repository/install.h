// SPDX-License-Identifier: Apache-2.0
// Installing into a repository and uninstalling from it. At any moment, a crash or a full disk included, the
// repository is either as it was or as it shall be.
#pragma once

#include <stop_token>

#include "base/std.h"
#include "config/config.h"
#include "package/container_name.h"
#include "repository/progress.h"
#include "repository/repository.h"

namespace northstar {

struct Installed {
    std::string container;
    RepositoryEntry entry;
};

// What comes in: the container, and the fingerprint of the repository's key that signed it, else empty.
struct Incoming {
    ContainerName container;
    std::string signer;

    bool operator==(const Incoming&) const = default;
};

// Reads what is signed of a package, nothing of its image. Blocks. Throws InvalidPackage, InvalidSignature,
// InvalidArgs, CapacityExceeded, Failed.
[[nodiscard]] Incoming identifyIncoming(const Repository& repository, int fd, const std::string& name);

// Copies a package from a descriptor, checks all of the copy (signature and, if verified, every block), and only then
// makes it part of the repository. One install or uninstall at a time for each repository. Blocks.
// Throws AlreadyInstalled, CapacityExceeded, InvalidPackage, InvalidSignature, Corrupted, InvalidArgs, Failed.
// `agreed`: what it has to be. `told`: how far it is, first with nothing done, last with all; on any thread.
[[nodiscard]] Installed installPackage(const Repository& repository, int fd, const Incoming& agreed,
                                       const std::string& name, const std::stop_token& stop, Progress::Told told = {});

// Removes the file of a container, and no other that has its name by now. Throws NoSuchContainer then, Failed. Nothing
// to do for memory repositories.
void uninstallPackage(const Repository& repository, const RepositoryEntry& entry);

// Removes what interrupted installs left in the directory of a repository. Never throws.
void removeInterruptedInstalls(const RepositoryConfig& config) noexcept;

}  // namespace northstar
