// SPDX-License-Identifier: Apache-2.0
#include "repository/install.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "package/bytes.h"
#include "package/image/sealed_image.h"
#include "package/package.h"
#include "repository/copy.h"
#include "repository/directory.h"
#include "repository/progress.h"

namespace northstar {
namespace {

constexpr std::string_view kPrefix = ".northstar-install-";
constexpr std::string_view kRemovedPrefix = ".northstar-remove-";

// Is it a name that only a TemporaryFile has, or what is being uninstalled? No package does: theirs end in ".npk".
bool isTemporaryName(std::string_view name) {
    return std::ranges::any_of(std::array{kPrefix, kRemovedPrefix}, [&](std::string_view prefix) {
        return name.size() > prefix.size() && name.starts_with(prefix) &&
               name.find('.', prefix.size()) == std::string_view::npos;
    });
}

// Throws CapacityExceeded if the error says that there is no room, else Failed.
[[noreturn]] void throwWriteError(const std::string& what, int error) { throwErrno(codeForWrite(error), what, error); }

// A file on its way into a repository's directory. It is owned under whatever name it has until keep(): whatever
// fails before that, nothing of it stays.
class TemporaryFile {
public:
    // An empty file under a name that no package has. Throws CapacityExceeded, Failed.
    explicit TemporaryFile(const std::string& directory)
        : path_{directory}, directory_{openRepositoryDirectory(directory)}, name_{std::string{kPrefix} + randomHex()} {
        // Nobody else reads it before it is checked.
        fd_.reset(openat(directory_.get(), name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!fd_) throwWriteError("Cannot create a file in " + directory, errno);
    }
    ~TemporaryFile() {
        if (name_.empty() || !fd_) return;
        unlinkat(directory_.get(), name_.c_str(), 0);
        fsync(directory_.get());  // best effort: it may have had its real name
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

    // Everything that was written is on the disk. Throws CapacityExceeded, Failed.
    void flush() const {
        if (fchmod(fd_.get(), 0644) != 0 || fsync(fd_.get()) != 0) {
            throwWriteError("Cannot write the copy of the package to " + path_, errno);
        }
    }

    // Gives it its name, and writes the directory to the disk. False if the name is taken: a file that was put there
    // by hand is not overwritten. Throws CapacityExceeded, Failed.
    [[nodiscard]] bool publish(const std::string& name) {
        if (!rename(name)) return false;
        name_ = name;
        if (fsync(directory_.get()) != 0) throwWriteError("Cannot write the directory " + path_, errno);
        return true;
    }

    void keep() noexcept { name_.clear(); }

private:
    [[nodiscard]] bool rename(const std::string& name) const {
        const int directory = directory_.get();
        if (renameat2(directory, name_.c_str(), directory, name.c_str(), RENAME_NOREPLACE) == 0) return true;
        if (errno == EEXIST) return false;
        if (errno == EINVAL || errno == ENOSYS) {
            // Some filesystems cannot say "unless it is there" (rename(2)). Installs run one at a time.
            struct stat status{};
            if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return false;
            if (renameat(directory, name_.c_str(), directory, name.c_str()) == 0) return true;
        }
        throwWriteError("Cannot rename the copy to " + path_ + "/" + printable(name), errno);
    }

    std::string path_;  // of the directory, for messages
    UniqueFd directory_;
    std::string name_;  // the one it has now
    UniqueFd fd_;
};

void checkCapacity(const Repository& repository, std::uint64_t size) {
    const RepositoryConfig& config = repository.config;
    if (config.maxContainers != 0 && repository.content.entries.size() >= config.maxContainers) {
        throw Error{
            Code::CapacityExceeded,
            fmt::format(
                "Cannot install into {}: it holds its {} containers (max_containers) already; uninstall some first",
                repository.name, config.maxContainers)};
    }
    if (repository.content.entries.size() >= RepositoryContent::kMost) {
        throw Error{Code::CapacityExceeded,
                    fmt::format("Cannot install into {}: it holds as many as a repository can, {}", repository.name,
                                RepositoryContent::kMost)};
    }
    const auto total = checkedAdd(repository.content.used(), size);
    if (config.capacity != 0 && (!total || *total > config.capacity)) {
        throw Error{Code::CapacityExceeded,
                    fmt::format("Cannot install {} bytes into {}: its capacity of {} bytes would be exceeded", size,
                                repository.name, config.capacity)};
    }
}

UniqueFd reopenReadOnly(int fd) {
    UniqueFd copy{open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC)};
    if (!copy) throwErrno(Code::Failed, "Cannot reopen the copy of a package", errno);
    return copy;
}

void refuseInstalled(const Repository& repository, const std::string& container) {
    if (!repository.content.entries.contains(container)) return;
    throw Error{Code::AlreadyInstalled,
                "Cannot install " + container + ": " + repository.name + " has it already; uninstall it first"};
}

Incoming incoming(const Package& package) { return {package.manifest.containerName(), package.signer}; }

std::shared_ptr<const Package> checkWhole(const Repository& repository, int fd, const Incoming& agreed,
                                          const std::string& name, const std::stop_token& stop, Progress& progress) {
    auto package = openAccepted(reopenReadOnly(fd), repository.keys, name);
    if (incoming(*package) != agreed) {
        throw Error{Code::InvalidPackage,
                    fmt::format("Cannot install the package {}: it was {} when it was asked about and is {} now, or "
                                "another key has signed it",
                                name, agreed.container.text(), package->manifest.container())};
    }
    refuseInstalled(repository, package->manifest.container());
    if (package->verity) checkBlocks(*package, stop, [&](std::uint64_t, Bytes data) { progress.add(data.size()); });
    return package;
}

// "a" of version "1.0.0-1.0.0" and "a-1.0.0" of version "1.0.0" both want "a-1.0.0-1.0.0.npk". The second one gets
// "a-1.0.0-1.0.0_2.npk", a name that no other has: versions have no underscore.
std::string publish(TemporaryFile& temporary, const Repository& repository, const Manifest& manifest) {
    // A hidden file would not be read again.
    const std::string stem =
        (manifest.name.starts_with('.') ? "_" : "") + manifest.name + "-" + manifest.version.text();
    for (const std::string& file : {stem + ".npk", stem + "_2.npk"}) {
        if (temporary.publish(file)) return file;
        const bool ours = std::ranges::any_of(repository.content.entries,
                                              [&](const auto& entry) { return entry.second.file == file; });
        if (!ours) break;
    }
    throw Error{Code::AlreadyInstalled,
                fmt::format("Cannot install {}: {} has a file {}.npk already; remove it or ask for a Reload",
                            manifest.container(), repository.config.dir, stem)};
}

Installed installIntoDirectory(const Repository& repository, int fd, std::uint64_t size, const Incoming& agreed,
                               const std::string& name, const std::stop_token& stop, Progress& progress) {
    TemporaryFile temporary{repository.config.dir};
    copyPackage(fd, temporary.fd(), size, name, stop, progress);
    const auto checked = checkWhole(repository, temporary.fd(), agreed, name, stop, progress);
    UniqueFd readable = reopenReadOnly(temporary.fd());
    temporary.flush();
    const std::string file = publish(temporary, repository, checked->manifest);
    // Renaming changed the ctime, so the identity is taken again; the content is the one that was checked.
    const auto package = openAccepted(std::move(readable), repository.keys, file);
    temporary.keep();
    return {package->manifest.container(), {file, withDescriptor(*package, {}), nullptr}};
}

Installed installIntoMemory(const Repository& repository, int fd, std::uint64_t size, const Incoming& agreed,
                            const std::string& name, const std::stop_token& stop, Progress& progress) {
    const UniqueFd memory = makeMemfd("northstar-package");
    copyPackage(fd, memory.get(), size, name, stop, progress);
    sealMemfd(memory.get());  // before the check: what is checked is what stays
    auto package = checkWhole(repository, memory.get(), agreed, name, stop, progress);
    std::string container = package->manifest.container();
    return {std::move(container), memoryEntry(std::move(package))};
}

// An errno value; 0: it is, ESTALE: another one is there. A file that took its inode has another time. Renaming changes
// the ctime.
int askIfFileOf(const RepositoryEntry& entry, int directory, const std::string& name) {
    struct stat status{};
    if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return errno;
    FileIdentity now = identify(status);
    now.changed = entry.package->identity.changed;
    return now == entry.package->identity ? 0 : ESTALE;
}

// Only the file that the package was read from: another may take its name at any moment, so it gets one that nobody
// uses before it is looked at for good. False if it is gone already.
bool removeExactly(int directory, const RepositoryEntry& entry, const std::string& path) {
    const std::string what = fmt::format("Cannot remove {}/{}", path, printable(entry.file));
    const auto refuse = [&](int error) {
        if (error != ESTALE && error != ENOENT) throwErrno(Code::Failed, what, error);
        throw Error{Code::NoSuchContainer, what + ": it is another file by now; ask for a Reload"};
    };
    struct stat status{};
    if (fstatat(directory, entry.file.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return false;
        throwErrno(Code::Failed, what, errno);
    }

    if (const int error = askIfFileOf(entry, directory, entry.file); error != 0) refuse(error);
    const std::string aside = std::string{kRemovedPrefix} + randomHex();
    if (renameat(directory, entry.file.c_str(), directory, aside.c_str()) != 0) throwErrno(Code::Failed, what, errno);
    const int error = askIfFileOf(entry, directory, aside);
    if (error == 0) {
        if (unlinkat(directory, aside.c_str(), 0) == 0) return true;
        const int failed = errno;
        static_cast<void>(renameat2(directory, aside.c_str(), directory, entry.file.c_str(), RENAME_NOREPLACE));
        throwErrno(Code::Failed, what, failed);
    }
    // Under a name that no load removes, if its own was taken once more.
    if (renameat2(directory, aside.c_str(), directory, entry.file.c_str(), RENAME_NOREPLACE) != 0) {
        const std::string kept = "northstar-kept-" + randomHex();
        static_cast<void>(renameat(directory, aside.c_str(), directory, kept.c_str()));
        log::warn("{}: the file that had its name is {} now", what, kept);
    }
    refuse(error);
    return false;  // not reached
}

}  // namespace

Incoming identifyIncoming(const Repository& repository, int fd, const std::string& name) {
    checkPackageDescriptor(fd);
    const std::uint64_t size = identify(fd).size;
    const std::uint64_t capacity = repository.config.capacity;
    if (capacity != 0 && size > capacity) checkCapacity(repository, size);  // whatever it is, it can never fit
    UniqueFd source = duplicateFd(fd);
    if (!source) throwErrno(Code::Failed, "Cannot duplicate the descriptor of the package " + name, errno);
    return incoming(*openAccepted(std::move(source), repository.keys, name));
}

Installed installPackage(const Repository& repository, int fd, const Incoming& agreed, const std::string& name,
                         const std::stop_token& stop, Progress::Told told) {
    const std::uint64_t size = identify(fd).size;
    refuseInstalled(repository, agreed.container.text());
    checkCapacity(repository, size);
    Progress progress{size, repository.verified() ? 2U : 1U, std::move(told)};
    const bool memory = repository.config.type == RepositoryType::Memory;
    Installed installed = memory ? installIntoMemory(repository, fd, size, agreed, name, stop, progress)
                                 : installIntoDirectory(repository, fd, size, agreed, name, stop, progress);
    progress.finish();
    return installed;
}

void uninstallPackage(const Repository& repository, const RepositoryEntry& entry) {
    if (entry.file.empty()) return;
    const std::string& path = repository.config.dir;
    const UniqueFd directory = openRepositoryDirectory(path);
    if (!removeExactly(directory.get(), entry, path)) return;
    // It is gone, so this is no failure of the uninstall any more.
    if (fsync(directory.get()) != 0) {
        log::warn("Cannot write the directory {}: after a power failure, {} may be there again: {}", path, entry.file,
                  errnoText(errno));
    }
}

void removeInterruptedInstalls(const RepositoryConfig& config) noexcept {
    if (config.type == RepositoryType::Memory) return;
    const std::unique_ptr<DIR, int (*)(DIR*)> stream{opendir(config.dir.c_str()),
                                                     [](DIR* d) { return d != nullptr ? closedir(d) : 0; }};
    const int directory = stream ? dirfd(stream.get()) : -1;
    while (const dirent* entry = directory >= 0 ? readdir(stream.get()) : nullptr) {
        if (isTemporaryName(entry->d_name)) unlinkat(directory, entry->d_name, 0);
    }
}

}  // namespace northstar
