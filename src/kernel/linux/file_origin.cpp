// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/file_origin.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fstream>

#include "base/error.h"
#include "base/path.h"
#include "base/std.h"
#include "base/utf8.h"
#include "kernel/linux/calls.h"

namespace northstar {
namespace {

constexpr unsigned kUniqueMountId = 0x4000;  // STATX_MNT_ID_UNIQUE in <linux/stat.h> of Linux 6.8

std::ifstream openText(const std::string& path) {
    errno = 0;  // a stream tells only that it failed
    std::ifstream text{path};
    if (!text.is_open() && isShortage(errno)) throwErrno(Code::Failed, "reading " + path, errno);
    return text;
}

// The mount that a descriptor is on: proc_pid_fdinfo(5). The descriptor keeps it, so its number is no other's.
std::optional<std::uint64_t> mountIdOf(int fd) {
    std::ifstream info = openText("/proc/self/fdinfo/" + std::to_string(fd));
    std::uint64_t id = 0;
    for (std::string key; info >> key;) {
        if (key == "mnt_id:" && info >> id) return id;
    }
    return std::nullopt;
}

// Type of the filesystem of a mount in our mount namespace: proc_pid_mountinfo(5). Empty if it is not there.
std::string filesystemOf(std::uint64_t mountId) {
    constexpr std::string_view kSeparator = " - ";  // blanks in paths are escaped
    const std::string start = std::to_string(mountId) + " ";
    std::ifstream table = openText("/proc/self/mountinfo");
    for (std::string line; std::getline(table, line);) {
        const std::size_t at = line.starts_with(start) ? line.find(kSeparator) : std::string::npos;
        if (at == std::string::npos) continue;
        const std::size_t type = at + kSeparator.size();
        return line.substr(type, line.find(' ', type) - type);
    }
    return {};
}

std::string pathOf(int fd) {
    std::string path = readLink(AT_FDCWD, "/proc/self/fd/" + std::to_string(fd));
    // d_path() in the kernel: a file that was unlinked is named so, and its path may be another one's.
    const bool itsOwn = path.starts_with('/') && path.size() < PATH_MAX && !path.ends_with(" (deleted)");
    return itsOwn && !hasControls(path) ? path : std::string{};
}

}  // namespace

MountIdentity mountIdentity(int fd) {
    constexpr int kFlags = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
    struct statx status{};
    if (::statx(fd, "", kFlags, STATX_MNT_ID, &status) != 0) {
        throwErrno(Code::Failed, "asking which mount a file is on", errno);
    }
    MountIdentity identity;
    if ((status.stx_mask & STATX_MNT_ID) != 0) {
        identity.id = status.stx_mnt_id;
    } else if (const auto id = mountIdOf(fd)) {  // for kernels before 5.8
        identity.id = *id;
    } else {
        throw Error{Code::Failed, "the kernel does not say which mount a file is on (STATX_MNT_ID, /proc/self/fdinfo)"};
    }
    identity.device = makedev(status.stx_dev_major, status.stx_dev_minor);
    // The kernel answers with one or the other id, so this takes a second call.
    if (::statx(fd, "", kFlags, kUniqueMountId, &status) == 0 && (status.stx_mask & kUniqueMountId) != 0) {
        identity.uniqueId = status.stx_mnt_id;
    }
    return identity;
}

FileOrigin findFileOrigin(int fd) {
    FileOrigin origin;
    if (const auto id = mountIdOf(fd)) origin.filesystem = filesystemOf(*id);
    if (!origin.filesystem.empty()) origin.path = pathOf(fd);
    // Only files in memory (memfd, tmpfs) know seals, and most memfds are on a mount that no table shows.
    if (::fcntl(fd, F_GET_SEALS) >= 0) origin.filesystem = "tmpfs";
    return origin;
}

}  // namespace northstar
