// SPDX-License-Identifier: Apache-2.0
#include "package/descriptor.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

#include "base/error.h"

namespace northstar {
namespace {

struct stat statusOf(int fd) {
    struct stat status{};
    if (::fstat(fd, &status) != 0) throwErrno(Code::Failed, "Cannot look at the package's descriptor", errno);
    return status;
}

bool equal(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

[[noreturn]] void refuse(const std::string& what) {
    throw Error{Code::InvalidArgs,
                "The descriptor " + what + ": pass a package file that was opened for reading, or a memfd"};
}

void checkType(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFREG: return;
        case S_IFDIR: refuse("is a directory");
        case S_IFSOCK: refuse("is a socket");
        case S_IFIFO: refuse("is a pipe");
        case S_IFCHR: refuse("is a character device");
        case S_IFBLK: refuse("is a block device");
        case S_IFLNK: refuse("is a symbolic link");
        default: refuse("is no file");  // epoll, eventfd and the like have no type
    }
}

}  // namespace

bool FileIdentity::operator==(const FileIdentity& other) const noexcept {
    return device == other.device && inode == other.inode && size == other.size && equal(modified, other.modified) &&
           equal(changed, other.changed);
}

FileIdentity identify(int fd) {
    const struct stat status = statusOf(fd);
    return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size), status.st_mtim, status.st_ctim};
}

UniqueFd openPackageFile(const std::string& path) {
    const auto fail = [&](int error) { throwErrno(Code::Failed, "Cannot open the package " + printable(path), error); };
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_NO_MAGICLINKS;
    const UniqueFd place{static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how))};
    if (!place) fail(errno);
    const mode_t mode = statusOf(place.get()).st_mode;
    if (!S_ISREG(mode)) {
        throw Error{Code::InvalidArgs, "Cannot open the package " + printable(path) + ": it is " +
                                           (S_ISDIR(mode) ? "a directory" : "no regular file")};
    }
    // The same inode: whatever has the path by now is not looked at.
    const std::string link = "/proc/self/fd/" + std::to_string(place.get());
    UniqueFd file{::open(link.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!file) fail(errno);
    return file;
}

void checkPackageDescriptor(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0) refuse("is not open");
    checkType(statusOf(fd).st_mode);
    if ((flags & O_PATH) != 0) refuse("was opened with O_PATH and cannot be read");
    if ((flags & O_ACCMODE) == O_WRONLY) refuse("was opened for writing only");
    // Its reads would have to be aligned to the device's blocks.
    if ((flags & O_DIRECT) != 0) refuse("was opened with O_DIRECT");
}

}  // namespace northstar
