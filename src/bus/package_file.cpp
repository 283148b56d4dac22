// SPDX-License-Identifier: Apache-2.0
#include "bus/package_file.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string_view>

#include "base/error.h"
#include "base/utf8.h"
#include "bus/options.h"

namespace northstar::bus {
namespace {

constexpr const char* kUnknown = "descriptor";

// The mount that the open file is on: proc_pid_fdinfo(5). The descriptor keeps it, so its number is no other's.
std::string mountIdOf(int fd) {
    std::ifstream info{"/proc/self/fdinfo/" + std::to_string(fd)};
    std::string key, id;
    while (info >> key) {
        if (key == "mnt_id:" && info >> id) return id;
    }
    return {};
}

// Of our mount namespace: proc_pid_mountinfo(5).
bool isMountHere(const std::string& id) {
    std::ifstream table{"/proc/self/mountinfo"};
    for (std::string line; std::getline(table, line);) {
        if (line.substr(0, line.find(' ')) == id) return true;
    }
    return false;
}

std::string magicLinkOf(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

}  // namespace

UniqueFd openPackageFile(const std::string& path) {
    const auto fail = [&](int error) { throwErrno(Code::Failed, "Cannot open the package " + printable(path), error); };
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_NO_MAGICLINKS;
    const UniqueFd place{static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how))};
    if (!place) fail(errno);
    struct stat status{};
    if (fstat(place.get(), &status) != 0) fail(errno);
    if (!S_ISREG(status.st_mode)) {
        throw Error{Code::InvalidArgs, "Cannot open the package " + printable(path) + ": it is " +
                                           (S_ISDIR(status.st_mode) ? "a directory" : "no regular file")};
    }
    // The same inode: whatever has the path by now is not looked at.
    UniqueFd file{open(magicLinkOf(place.get()).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!file) fail(errno);
    return file;
}

std::string describeDescriptor(int fd) {
    std::array<char, PATH_MAX> target{};
    const auto length = readlink(magicLinkOf(fd).c_str(), target.data(), target.size());
    if (length <= 0 || target[0] != '/') return kUnknown;
    const std::string path{target.data(), static_cast<std::size_t>(length)};
    // d_path() in the kernel: a file that was unlinked is named so, and its path may be another one's.
    if (path.size() == target.size() || path.ends_with(" (deleted)")) return kUnknown;
    if (hasControls(path)) return kUnknown;
    const std::string id = mountIdOf(fd);
    return !id.empty() && isMountHere(id) ? path : kUnknown;
}

}  // namespace northstar::bus
