// SPDX-License-Identifier: Apache-2.0
#include "package/image/memfd.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/std.h"

#ifndef MFD_NOEXEC_SEAL  // Linux 6.3, include/uapi/linux/memfd.h
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace northstar {
namespace {

// F_SEAL_FUTURE_WRITE is not enough: mappings that are there already may go on writing.
constexpr int kContentSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;

}  // namespace

Code codeForWrite(int error) noexcept {
    const bool noRoom = error == ENOSPC || error == ENOMEM || error == EFBIG || error == EDQUOT;
    return noRoom ? Code::CapacityExceeded : Code::Failed;
}

UniqueFd makeMemfd(const char* name) {
    constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    UniqueFd fd{::memfd_create(name, kFlags | MFD_NOEXEC_SEAL)};
    if (!fd && errno == EINVAL) fd.reset(::memfd_create(name, kFlags));  // Linux before 6.3
    if (!fd) throwErrno(codeForWrite(errno), "Cannot create a memory file for the image", errno);
    return fd;
}

void sealMemfd(int fd) {
    if (::fcntl(fd, F_ADD_SEALS, kContentSeals | F_SEAL_SEAL) != 0) {
        throwErrno(Code::Failed, "Cannot seal the image in memory", errno);
    }
}

bool isSealed(int fd) {
    const int seals = ::fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & kContentSeals) == kContentSeals;
}

}  // namespace northstar
