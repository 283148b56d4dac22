// SPDX-License-Identifier: Apache-2.0
#include "repository/repository.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/log.h"
#include "package/image/hash_tree.h"
#include "package/package.h"
#include "repository/directory.h"

namespace northstar {
namespace {

UniqueFd duplicate(int fd) {
    UniqueFd copy = duplicateFd(fd);
    if (!copy) throwErrno(Code::Failed, "Cannot duplicate the descriptor of a package in memory", errno);
    return copy;
}

}  // namespace

std::uint64_t RepositoryContent::used() const {
    std::uint64_t bytes = 0;
    for (const auto& [container, entry] : entries) bytes += entry.package->identity.size;
    return bytes;
}

std::shared_ptr<const Package> openAccepted(UniqueFd fd, const KeyRing& keys, const std::string& name) {
    const auto policy = keys.empty() ? SignaturePolicy::Optional : SignaturePolicy::Required;
    auto package = std::make_shared<const Package>(openPackage(std::move(fd), keys, policy, name));
    if (package->manifest.container().size() <= NAME_MAX) return package;
    throw Error{Code::InvalidPackage,
                fmt::format("Cannot use the package {}: its name and version are {} bytes together, more than the {} "
                            "that the name of a mount point can have",
                            name, package->manifest.container().size(), NAME_MAX)};
}

void checkBlocks(const Package& package, const std::stop_token& stop, const HashTree::Sink& sink) {
    HashTree::load(package.fd.get(), package.image, *package.verity)
        .verifyData(package.fd.get(), package.image, 0, stop, sink);
}

std::shared_ptr<const Package> withDescriptor(const Package& package, UniqueFd fd) {
    return std::make_shared<const Package>(Package{std::move(fd), package.identity, package.format, package.manifest,
                                                   package.image, package.filesystem, package.isSigned, package.verity,
                                                   package.signer});
}

RepositoryEntry refresh(const RepositoryConfig& config, const KeyRing& keys, const std::string& container,
                        const RepositoryEntry& entry) {
    if (entry.file.empty()) return entry;
    const UniqueFd directory = openRepositoryDirectory(config.dir);
    struct stat status{};
    if (fstatat(directory.get(), entry.file.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) {
            throwErrno(
                Code::Failed,
                fmt::format("Cannot look at {} in {}, the package of {}", printable(entry.file), config.dir, container),
                errno);
        }
        throw Error{Code::NoSuchContainer,
                    fmt::format("Cannot use {}: its package {} is no longer in {}; ask for a Reload", container,
                                printable(entry.file), config.dir)};
    }
    // An inode that is reused has another ctime, which nobody can set.
    UniqueFd file = openPackageIn(directory, entry.file);
    if (identify(file.get()) == entry.package->identity) {
        return {entry.file, withDescriptor(*entry.package, std::move(file)), nullptr};
    }
    auto package = openAccepted(std::move(file), keys, printable(entry.file));
    if (package->manifest.container() != container) {
        throw Error{Code::NoSuchContainer, fmt::format("Cannot use {}: {} holds {} now; ask for a Reload", container,
                                                       printable(entry.file), package->manifest.container())};
    }
    return {entry.file, std::move(package), nullptr};
}

RepositoryEntry memoryEntry(std::shared_ptr<const Package> package) {
    auto sealed = std::make_shared<SealedImage>();
    sealed->fd = duplicate(package->fd.get());
    sealed->image = {package->image.offset, package->dataSize()};
    return {"", std::move(package), std::move(sealed)};
}

RepositoryContent checkMemoryAgain(const std::string& repository, const KeyRing& keys,
                                   const RepositoryContent& previous) {
    RepositoryContent content;
    for (const auto& [container, entry] : previous.entries) {
        const Package& old = *entry.package;
        try {
            auto package = openAccepted(duplicate(old.fd.get()), keys, repository + "/" + container);
            // Else its blocks were checked when it was installed.
            if (package->verity && !old.verity) checkBlocks(*package, {});
            content.entries.emplace(container, memoryEntry(std::move(package)));
        } catch (const Error& error) {
            log::warn("Removed {} from the memory repository {}: {}", container, repository, error.what());
            content.refused.insert({container, {old.identity, error}});
        }
    }
    return content;
}

}  // namespace northstar
