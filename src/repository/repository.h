// SPDX-License-Identifier: Apache-2.0
// A repository: packages in a directory, or in sealed memory. What it holds is a value that is made on a worker and
// handed to the bus thread; nothing here is shared between threads while it changes.
#pragma once

#include <stop_token>

#include "base/error.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "package/image/hash_tree.h"
#include "package/image/sealed_image.h"
#include "package/keys.h"
#include "package/package.h"

namespace northstar {

class DirectoryWatch;

// One container of a repository. In a directory its package has no open descriptor, as there may be more packages than
// a process can have: refresh() opens it.
struct RepositoryEntry {
    std::string file;  // name inside the directory; empty in memory
    std::shared_ptr<const Package> package;
    std::shared_ptr<const SealedImage> sealed;  // memory repositories: checked and unchangeable
};

// A file that is in the directory but was not accepted.
struct Refusal {
    FileIdentity identity;
    Error error;
};

struct RepositoryContent {
    // Containers of one repository. As a(sssb) of ListContainers one takes 544 bytes at most (255 for name and version,
    // 255 for the repository, lengths and padding): three full repositories fit into the 32 MiB that dbus-daemon passes
    // on (max_message_size, dbus-daemon(1)), and one into any property.
    static constexpr std::size_t kMost = 20'000;

    std::map<std::string, RepositoryEntry> entries;  // by "name:version"
    std::map<std::string, Refusal> refused;          // by file name
    std::string problem;                             // why the directory could not be read; entries are those of before
    [[nodiscard]] std::uint64_t used() const;        // bytes of all accepted packages
};

struct Repository {
    std::string name;
    RepositoryConfig config;
    KeyRing keys;
    RepositoryContent content;
    std::shared_ptr<DirectoryWatch> watch{};  // null: not watched

    [[nodiscard]] bool verified() const noexcept { return !keys.empty(); }
};

// A package as a repository with these keys accepts it: without keys, whoever signed it. Throws what openPackage
// throws, and InvalidPackage if "name:version" is longer than a file's name can be (NAME_MAX, limits.h).
[[nodiscard]] std::shared_ptr<const Package> openAccepted(UniqueFd fd, const KeyRing& keys, const std::string& name);

// Checks every block of a package with a signed hash tree. `sink`: as HashTree::verifyData says. Blocks; throws
// Corrupted, Failed.
void checkBlocks(const Package& package, const std::stop_token& stop, const HashTree::Sink& sink = {});

// Opens and checks every *.npk of the directory that is not hidden; those that `previous` knows unchanged are taken
// from there. A bad file is logged and refused, never fatal: also another link to a file that was read already, and
// what is more than kMost. A directory that is not there is empty, one that cannot be read is as it was before (and
// `problem` says why); both are logged. `step` is called before each file is looked at; what it throws, unless an
// Error, comes out. Files that are being written as far as `watch` knows are as they were. Blocks.
[[nodiscard]] RepositoryContent loadDirectory(const std::string& name, const RepositoryConfig& config,
                                              const KeyRing& keys, const RepositoryContent& previous,
                                              const std::function<void()>& step = {}, DirectoryWatch* watch = nullptr);

// The same package, open by this descriptor or by none.
[[nodiscard]] std::shared_ptr<const Package> withDescriptor(const Package& package, UniqueFd fd);

// The entry as it is now, its package open: as it was if its file did not change, else checked again. Blocks.
// Throws NoSuchContainer if the file is gone or holds another container now, and what openPackage throws.
[[nodiscard]] RepositoryEntry refresh(const RepositoryConfig& config, const KeyRing& keys, const std::string& container,
                                      const RepositoryEntry& entry);

// The entry of a package that lies in a sealed memfd, and whose blocks were all checked if it is verified.
// Throws Failed.
[[nodiscard]] RepositoryEntry memoryEntry(std::shared_ptr<const Package> package);

// What a memory repository holds, looked at again because its keys are others now. What they accept stays, in the
// memory that it lies in; the rest is logged and refused by its container's name, and its memory is given back.
// Blocks. Throws Failed.
[[nodiscard]] RepositoryContent checkMemoryAgain(const std::string& repository, const KeyRing& keys,
                                                 const RepositoryContent& previous);

}  // namespace northstar
