// SPDX-License-Identifier: Apache-2.0
#include "repository/install.h"

#include <dirent.h>
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "package/hash_tree.h"

namespace northstar {
namespace {

constexpr const char* kTemporaryPrefix = ".northstar-install-";
constexpr std::size_t kChunk = 1U << 20U;  // bytes a read

[[noreturn]] void throwIo(const std::string& what, int error) {
    const bool full = error == ENOSPC || error == EDQUOT || error == ENOMEM;
    throwErrno(full ? Code::CapacityExceeded : Code::Failed, what, error);
}

void checkCapacity(const Repository& repository, std::uint64_t size) {
    const auto& [config, content] = std::tie(repository.config, repository.content);
    if (config.maxContainers != 0 && content.entries.size() >= config.maxContainers) {
        throw Error{Code::CapacityExceeded, "Cannot install into " + repository.name + ": it holds its " +
                                                std::to_string(config.maxContainers) +
                                                " containers (max_containers) already; uninstall some first"};
    }
    const auto total = checkedAdd(content.used(), size);
    if (config.capacity != 0 && (!total || *total > config.capacity)) {
        throw Error{Code::CapacityExceeded, "Cannot install " + std::to_string(size) + " bytes into " +
                                                repository.name + ": its capacity of " +
                                                std::to_string(config.capacity) + " bytes would be exceeded"};
    }
}

// Copies exactly `size` bytes; a file that shrinks meanwhile is an error.
void copy(int from, int to, std::uint64_t size, const std::string& name, const std::stop_token& stop) {
    std::vector<char> buffer(kChunk);
    for (std::uint64_t done = 0; done < size;) {
        if (stop.stop_requested()) throw Error{Code::Failed, "The install of " + name + " was cancelled"};
        const auto wanted = std::min<std::uint64_t>(buffer.size(), size - done);
        const ssize_t got = pread(from, buffer.data(), wanted, static_cast<off_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throwIo("Cannot read " + name, errno);
        if (got == 0) throw Error{Code::InvalidPackage, "Cannot install " + name + ": it shrank while it was read"};
        for (ssize_t written = 0; written < got;) {
            const ssize_t put = write(to, buffer.data() + written, static_cast<std::size_t>(got - written));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) throwIo("Cannot write the copy of " + name, errno);
            written += put;
        }
        done += static_cast<std::uint64_t>(got);
    }
}

UniqueFd reopenReadOnly(int fd) {
    UniqueFd copy{open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC)};
    if (!copy) throwErrno(Code::Failed, "Cannot reopen the copy of a package", errno);
    return copy;
}

std::shared_ptr<const Package> checkWhole(const Repository& repository, int fd, const std::string& name,
                                          const std::stop_token& stop) {
    auto package = std::make_shared<const Package>(
        openPackage(reopenReadOnly(fd), repository.keys, repository.policy(), name));
    const std::string container = package->manifest.container();
    if (repository.content.entries.contains(container)) {
        throw Error{Code::AlreadyInstalled,
                    "Cannot install " + container + ": " + repository.name + " has it already; uninstall it first"};
    }
    if (package->verity) {
        HashTree::load(package->fd.get(), package->image, *package->verity)
            .verifyData(package->fd.get(), package->image, 0, stop);
    }
    return package;
}

// A file in the directory that goes away again unless it is renamed to what it shall be.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& directory) : path_{directory + "/" + kTemporaryPrefix + "XXXXXX"} {
        fd_ = UniqueFd{mkostemp(path_.data(), O_CLOEXEC)};
        if (!fd_) throwIo("Cannot create a file in " + directory, errno);
    }
    ~TemporaryFile() {
        if (fd_) unlink(path_.c_str());
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    [[nodiscard]] int fd() const { return fd_.get(); }

    // Fails if the name is taken: a file that was put there by hand is not overwritten.
    void publish(const std::string& directory, const std::string& name) {
        if (fchmod(fd_.get(), 0644) != 0 || fsync(fd_.get()) != 0) throwIo("Cannot write " + name, errno);
        const std::string target = directory + "/" + name;
        if (renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) != 0) {
            if (errno == EEXIST) {
                throw Error{Code::AlreadyInstalled, "Cannot install " + name + ": a file of that name is in " +
                                                        directory + " already; remove it or ask for a Reload"};
            }
            throwIo("Cannot rename the copy to " + target, errno);
        }
        fd_.reset();
        syncDirectory(directory);
    }

    static void syncDirectory(const std::string& directory) {
        const UniqueFd fd{open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        if (!fd || fsync(fd.get()) != 0) throwIo("Cannot write the directory " + directory, errno);
    }

private:
    std::string path_;
    UniqueFd fd_;
};

Installed installIntoDirectory(const Repository& repository, int fd, std::uint64_t size, const std::string& name,
                               const std::stop_token& stop) {
    const std::string& directory = repository.config.dir;
    TemporaryFile temporary{directory};
    copy(fd, temporary.fd(), size, name, stop);
    const auto checked = checkWhole(repository, temporary.fd(), name, stop);
    const Manifest& manifest = checked->manifest;
    const std::string file = manifest.name + "-" + manifest.version.text() + ".npk";
    UniqueFd readable = reopenReadOnly(temporary.fd());
    temporary.publish(directory, file);
    // Renaming changed the ctime, so the identity is taken again; the content is the one that was checked.
    auto package = std::make_shared<Package>(
        openPackage(std::move(readable), repository.keys, repository.policy(), file));
    return {manifest.container(), {file, std::move(package), nullptr}};
}

Installed installIntoMemory(const Repository& repository, int fd, std::uint64_t size, const std::string& name,
                            const std::stop_token& stop) {
    UniqueFd memory{memfd_create("northstar-package", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!memory) throwIo("Cannot make a memory file for " + name, errno);
    copy(fd, memory.get(), size, name, stop);
    if (fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        throwErrno(Code::Failed, "Cannot seal the copy of " + name, errno);
    }
    auto package = checkWhole(repository, memory.get(), name, stop);
    auto sealed = std::make_shared<SealedImage>();
    sealed->fd = UniqueFd{fcntl(package->fd.get(), F_DUPFD_CLOEXEC, 0)};
    if (!sealed->fd) throwErrno(Code::Failed, "Cannot keep the copy of " + name, errno);
    sealed->image = {package->image.offset, package->dataSize()};
    std::string container = package->manifest.container();
    return {std::move(container), {"", std::move(package), std::move(sealed)}};
}

}  // namespace

Installed installPackage(const Repository& repository, int fd, const std::string& name, const std::stop_token& stop) {
    checkPackageDescriptor(fd);
    const std::uint64_t size = identify(fd).size;
    checkCapacity(repository, size);
    return repository.config.type == RepositoryType::Memory ? installIntoMemory(repository, fd, size, name, stop)
                                                            : installIntoDirectory(repository, fd, size, name, stop);
}

void uninstallPackage(const Repository& repository, const RepositoryEntry& entry) {
    if (entry.file.empty()) return;
    const std::string path = repository.config.dir + "/" + entry.file;
    if (unlink(path.c_str()) != 0 && errno != ENOENT) throwErrno(Code::Failed, "Cannot remove " + path, errno);
    TemporaryFile::syncDirectory(repository.config.dir);
}

void removeInterruptedInstalls(const RepositoryConfig& config) noexcept {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream{opendir(config.dir.c_str()), [](DIR* d) { return d ? closedir(d) : 0; }};
    while (const dirent* entry = stream ? readdir(stream.get()) : nullptr) {
        const std::string name = entry->d_name;
        if (name.starts_with(kTemporaryPrefix)) unlinkat(dirfd(stream.get()), name.c_str(), 0);
    }
}

}  // namespace northstar
