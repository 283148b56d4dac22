// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/file_origin.h"

#include <fcntl.h>
#include <limits.h>

#include <fstream>

#include "base/path.h"
#include "base/utf8.h"

namespace northstar {
namespace {

// Type of the filesystem of a mount in our mount namespace: proc_pid_mountinfo(5). Empty if it is not there.
std::string filesystemOf(std::uint64_t mountId) {
    constexpr std::string_view kSeparator = " - ";  // blanks in paths are escaped
    const std::string start = std::to_string(mountId) + " ";
    std::ifstream table{"/proc/self/mountinfo"};
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

std::optional<std::uint64_t> mountIdOf(int fd) {
    std::ifstream info{"/proc/self/fdinfo/" + std::to_string(fd)};
    std::uint64_t id = 0;
    for (std::string key; info >> key;) {
        if (key == "mnt_id:" && info >> id) return id;
    }
    return std::nullopt;
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
