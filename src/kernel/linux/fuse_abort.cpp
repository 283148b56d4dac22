// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/fuse_abort.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <string>

#include "base/checked.h"
#include "base/std.h"
#include "base/unique_fd.h"

namespace northstar {
namespace {

// Minor device numbers of what the open files lie on, where that is no block device.
std::set<unsigned> devicesOfOpenFiles() {
    std::set<unsigned> minors;
    const std::unique_ptr<DIR, int (*)(DIR*)> all{::opendir("/proc/self/fd"), ::closedir};
    if (!all) return minors;
    while (const dirent* entry = ::readdir(all.get())) {
        const auto fd = parseNumber<int>(entry->d_name);
        struct statx file{};
        // AT_STATX_DONT_SYNC: a FUSE filesystem is not asked.
        if (fd && ::statx(*fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &file) == 0 && file.stx_dev_major == 0) {
            minors.insert(file.stx_dev_minor);
        }
    }
    return minors;
}

// The filesystem that has a directory for each connection, at no path: Documentation/filesystems/fuse.rst.
UniqueFd openConnections() {
    const UniqueFd context{::fsopen("fusectl", FSOPEN_CLOEXEC)};
    if (!context || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return {};
    return UniqueFd{::fsmount(context.get(), FSMOUNT_CLOEXEC, 0)};
}

}  // namespace

std::size_t abortOpenFuse() noexcept try {
    std::size_t aborted = 0;
    const UniqueFd connections = openConnections();
    if (!connections) return 0;
    for (const unsigned minor : devicesOfOpenFiles()) {
        const std::string name = std::to_string(minor) + "/abort";
        const UniqueFd file{::openat(connections.get(), name.c_str(), O_WRONLY | O_CLOEXEC)};
        if (file && ::write(file.get(), "1", 1) == 1) ++aborted;
    }
    return aborted;
} catch (...) {
    return 0;
}

}  // namespace northstar
