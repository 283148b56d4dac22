// SPDX-License-Identifier: Apache-2.0
#include "repository/directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/path.h"

namespace northstar {
namespace {

// These say nothing of the package.
bool isTheServices(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM || error == EIO; }

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

}  // namespace

UniqueFd openRepositoryDirectory(const std::string& path) {
    const std::string what = "Cannot open the repository directory " + path;
    const WalkPolicy policy{.links = WalkPolicy::Links::OfRootAndUs,
                            .missing = WalkPolicy::Missing::Left,
                            .refusal = Code::Failed,
                            .what = what + ": "};
    const Walk walk = walkPath(pathComponents(path), policy);
    if (!walk.left.empty()) throw Error{Code::NoSuchRepository, what + ": it is not there"};
    UniqueFd directory{openat(walk.directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!directory) throwErrno(Code::Failed, what, errno);
    return directory;
}

bool isPackageName(const std::string& name) { return !name.starts_with('.') && name.ends_with(".npk"); }

std::vector<std::string> listPackages(const UniqueFd& directory, const std::string& path) {
    std::vector<std::string> names;
    std::size_t skipped = 0;
    std::string example;
    for (const std::string& name : namesIn(directory.get(), path)) {
        if (!isPackageName(name)) continue;
        if (printable(name) == name) {
            names.push_back(name);
        } else {
            if (++skipped == 1) example = printable(name);
        }
    }
    if (skipped > 0) {
        log::warn("Skipped {} of {}{}: rename to printable UTF-8", example, path,
                  skipped > 1 ? fmt::format(", and {} more", skipped - 1) : "");
    }
    std::ranges::sort(names);
    return names;
}

// O_NONBLOCK for what became a FIFO just now.
UniqueFd openPackageIn(const UniqueFd& directory, const std::string& name) {
    refuseSpecialFile(directory, name);
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    UniqueFd file{static_cast<int>(syscall(SYS_openat2, directory.get(), name.c_str(), &how, sizeof how))};
    if (!file && errno == ENOSYS) {  // before Linux 5.6; one component, so O_NOFOLLOW says as much but for mounts
        file.reset(openat(directory.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    }
    const std::string what = "Cannot open the package " + printable(name);
    if (!file && errno == EXDEV) {
        throw Error{Code::InvalidPackage, what + ": something is mounted over it; put the file itself there"};
    }
    if (!file) throwErrno(isTheServices(errno) ? Code::Failed : Code::InvalidPackage, what, errno);
    return file;
}

}  // namespace northstar
