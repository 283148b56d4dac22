// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/mount_identity.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/error.h"
#include "base/std.h"
#include "kernel/linux/file_origin.h"

namespace northstar {
namespace {

constexpr unsigned kUniqueMountId = 0x4000;  // STATX_MNT_ID_UNIQUE in <linux/stat.h> of Linux 6.8

// For kernels before 5.8.
std::uint64_t idFromProc(int fd) {
    if (const auto id = mountIdOf(fd)) return *id;
    throw Error{Code::Failed, "the kernel does not say which mount a file is on (STATX_MNT_ID, /proc/self/fdinfo)"};
}

}  // namespace

MountIdentity mountIdentity(int fd) {
    constexpr int kFlags = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
    struct statx status{};
    if (::statx(fd, "", kFlags, STATX_MNT_ID, &status) != 0) {
        throwErrno(Code::Failed, "asking which mount a file is on", errno);
    }
    MountIdentity identity;
    identity.id = (status.stx_mask & STATX_MNT_ID) != 0 ? status.stx_mnt_id : idFromProc(fd);
    identity.device = makedev(status.stx_dev_major, status.stx_dev_minor);
    // The kernel answers with one or the other id, so this takes a second call.
    if (::statx(fd, "", kFlags, kUniqueMountId, &status) == 0 && (status.stx_mask & kUniqueMountId) != 0) {
        identity.uniqueId = status.stx_mnt_id;
    }
    return identity;
}

}  // namespace northstar
