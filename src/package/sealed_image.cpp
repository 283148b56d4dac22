// SPDX-License-Identifier: Apache-2.0
#include "package/sealed_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/error.h"
#include "package/hash_tree.h"

#ifndef MFD_NOEXEC_SEAL  // Linux 6.3, include/uapi/linux/memfd.h
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace northstar {
namespace {

// F_SEAL_FUTURE_WRITE is not enough: mappings that are there already may go on writing.
constexpr int kContentSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;

Code codeFor(int error) {
    const bool noRoom = error == ENOSPC || error == ENOMEM || error == EFBIG || error == EDQUOT;
    return noRoom ? Code::CapacityExceeded : Code::Failed;
}

UniqueFd createMemfd() {
    constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    UniqueFd fd{::memfd_create("northstar-image", kFlags | MFD_NOEXEC_SEAL)};
    if (!fd && errno == EINVAL) fd.reset(::memfd_create("northstar-image", kFlags));  // Linux before 6.3
    if (!fd) throwErrno(codeFor(errno), "Cannot create a memory file for the image", errno);
    return fd;
}

// Called by several threads, each with its own part of the image.
void writeAt(int fd, std::uint64_t offset, std::span<const std::uint8_t> data) {
    while (!data.empty()) {
        const ssize_t put = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0)
            throwErrno(codeFor(put < 0 ? errno : ENOSPC), "Cannot copy the image into memory",
                       put < 0 ? errno : ENOSPC);
        data = data.subspan(static_cast<std::size_t>(put));
        offset += static_cast<std::uint64_t>(put);
    }
}

SealedImage checkInPlace(const Package& package, const HashTree& tree, unsigned threads,
                         const std::stop_token& stop) {
    tree.verifyData(package.fd.get(), package.image, threads, stop);
    UniqueFd fd{::fcntl(package.fd.get(), F_DUPFD_CLOEXEC, 0)};
    if (!fd) throwErrno(Code::Failed, "Cannot duplicate the package's descriptor", errno);
    return {std::move(fd), {package.image.offset, package.dataSize()}};
}

SealedImage copy(const Package& package, const HashTree& tree, unsigned threads,
                 const std::stop_token& stop) {
    const std::uint64_t size = package.dataSize();
    UniqueFd fd = createMemfd();
    if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
        throwErrno(codeFor(errno), "Cannot make a memory file of " + std::to_string(size) + " bytes", errno);
    }
    tree.verifyData(
        package.fd.get(), package.image, threads, stop,
        [&fd](std::uint64_t offset, std::span<const std::uint8_t> data) { writeAt(fd.get(), offset, data); });
    if (::fcntl(fd.get(), F_ADD_SEALS, kContentSeals | F_SEAL_SEAL) != 0) {
        throwErrno(Code::Failed, "Cannot seal the image in memory", errno);
    }
    return {std::move(fd), {0, size}};
}

}  // namespace

bool isSealed(int fd) {
    const int seals = ::fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & kContentSeals) == kContentSeals;
}

SealedImage sealImage(const Package& package, unsigned threads, const std::stop_token& stop) {
    if (!package.verity) {
        throw Error{Code::Failed,
                    "Cannot seal the image of " + package.manifest.container() +
                        ": the package is not verified, so there is nothing to check it against"};
    }
    // Before the check: seals cannot be taken off again, so what is checked is what stays.
    const bool sealed = isSealed(package.fd.get());
    const HashTree tree = HashTree::load(package.fd.get(), package.image, *package.verity);
    return sealed ? checkInPlace(package, tree, threads, stop) : copy(package, tree, threads, stop);
}

}  // namespace northstar
