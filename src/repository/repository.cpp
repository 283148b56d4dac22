// SPDX-License-Identifier: Apache-2.0
#include "repository/repository.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"
#include "package/image/hash_tree.h"
#include "package/package.h"

namespace northstar {
namespace {

constexpr const char* kSuffix = ".npk";

UniqueFd openDirectory(const std::string& path) {
    UniqueFd directory{open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!directory) throwErrno(Code::Failed, "Cannot open the repository directory " + path, errno);
    return directory;
}

// Opening a device or a FIFO can do things and wait; what is neither file nor symlink is not opened at all.
void refuseSpecialFile(const UniqueFd& directory, const std::string& name) {
    struct stat status{};
    if (fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;  // open(2) will say why
    if (S_ISREG(status.st_mode)) return;
    throw Error{Code::InvalidPackage, fmt::format("Cannot open the package {}: it is {}", printable(name),
                                                  S_ISLNK(status.st_mode)   ? "a symlink; put the file itself there"
                                                  : S_ISDIR(status.st_mode) ? "a directory"
                                                                            : "no regular file")};
}

// A file of the directory itself: no symlink, no subdirectory, and O_NONBLOCK for what became a FIFO just now.
UniqueFd openFile(const UniqueFd& directory, const std::string& name) {
    refuseSpecialFile(directory, name);
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    UniqueFd file{static_cast<int>(syscall(SYS_openat2, directory.get(), name.c_str(), &how, sizeof how))};
    if (!file && errno == ENOSYS) {  // before Linux 5.6; one component, so O_NOFOLLOW says as much
        file.reset(openat(directory.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    }
    if (!file) throwErrno(Code::InvalidPackage, "Cannot open the package " + printable(name), errno);
    return file;
}

std::vector<std::string> listPackages(const std::string& path) {
    std::vector<std::string> names;
    for (const std::string& name : namesIn(openDirectory(path).get(), path)) {
        if (!name.ends_with(kSuffix)) continue;
        if (printable(name) == name) {
            names.push_back(name);
        } else {  // it could not be shown on the bus
            log::warn("Skipped {} of {}: rename it to printable UTF-8", printable(name), path);
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

// The container that a refused file claims to be, so that asking for it gives the reason. Nothing else is done with it.
std::string claimedName(int fd, const std::string& fileName) {
    try {
        return openPackage(duplicateFd(fd), {}, SignaturePolicy::Optional, fileName).manifest.container();
    } catch (const Error&) {  // the packer calls it NAME-VERSION.npk
        std::string name = fileName.substr(0, fileName.size() - std::string_view{kSuffix}.size());
        if (const auto dash = name.rfind('-'); dash != std::string::npos) name[dash] = ':';
        return name;
    }
}

UniqueFd duplicate(int fd) {
    UniqueFd copy = duplicateFd(fd);
    if (!copy) throwErrno(Code::Failed, "Cannot duplicate the descriptor of a package in memory", errno);
    return copy;
}

void loadFile(const UniqueFd& directory, const std::string& file, const std::string& repository, const KeyRing& keys,
              const RepositoryContent& previous, RepositoryContent& content) {
    const std::string called = repository + "/" + printable(file);
    UniqueFd fd = openFile(directory, file);
    const FileIdentity identity = identify(fd.get());
    RepositoryEntry entry;
    const auto known = std::ranges::find_if(previous.entries, [&](const auto& e) {
        return e.second.file == file && e.second.package->identity == identity;
    });
    if (known != previous.entries.end()) {
        entry = known->second;
    } else {
        const auto refused = previous.refused.find(file);
        if (refused != previous.refused.end() && refused->second.identity == identity) {
            content.refused.insert(*refused);
            return;
        }
        const UniqueFd second = duplicateFd(fd.get());
        try {
            entry = {file, openAccepted(std::move(fd), keys, called), nullptr};
        } catch (const Error& error) {
            log::warn("Refused {}: {}", called, error.what());
            content.refused.insert({file, {identity, claimedName(second.get(), file), error}});
            return;
        }
    }
    const std::string container = entry.package->manifest.container();
    const auto [other, added] = content.entries.emplace(container, std::move(entry));
    if (!added) {
        log::warn("Ignored {}: {} is already there as {}", called, container, printable(other->second.file));
    }
}

}  // namespace

std::uint64_t RepositoryContent::used() const {
    std::uint64_t bytes = 0;
    for (const auto& [container, entry] : entries) bytes += entry.package->identity.size;
    return bytes;
}

std::shared_ptr<const Package> openAccepted(UniqueFd fd, const KeyRing& keys, const std::string& name) {
    const auto policy = keys.empty() ? SignaturePolicy::Optional : SignaturePolicy::Required;
    return std::make_shared<const Package>(openPackage(std::move(fd), keys, policy, name));
}

void checkBlocks(const Package& package, const std::stop_token& stop) {
    HashTree::load(package.fd.get(), package.image, *package.verity)
        .verifyData(package.fd.get(), package.image, 0, stop);
}

KeyRing loadKeys(const std::vector<std::string>& files) {
    KeyRing keys;
    for (const auto& file : files) keys.add(loadPublicKey(file));
    return keys;
}

RepositoryContent loadDirectory(const std::string& name, const RepositoryConfig& config, const KeyRing& keys,
                                const RepositoryContent& previous) {
    RepositoryContent content;
    try {
        const UniqueFd directory = openDirectory(config.dir);
        for (const auto& file : listPackages(config.dir)) {
            try {
                loadFile(directory, file, name, keys, previous, content);
            } catch (const Error& error) {
                log::warn("Skipped {}/{}: {}", name, printable(file), error.what());
                content.refused.insert({file, {{}, claimedName(-1, file), error}});
            }
        }
    } catch (const Error& error) {
        log::warn("Repository {} is empty: {}", name, error.what());
    }
    return content;
}

RepositoryEntry refresh(const RepositoryConfig& config, const KeyRing& keys, const std::string& container,
                        const RepositoryEntry& entry) {
    if (entry.file.empty()) return entry;
    const UniqueFd directory = openDirectory(config.dir);
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
    // Our descriptor keeps the inode from being reused, so an equal identity is the same file, unchanged.
    const FileIdentity now{status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size), status.st_mtim,
                           status.st_ctim};
    if (now == entry.package->identity) return entry;
    auto package = openAccepted(openFile(directory, entry.file), keys, printable(entry.file));
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
            content.refused.insert({container, {old.identity, container, error}});
        }
    }
    return content;
}

}  // namespace northstar
