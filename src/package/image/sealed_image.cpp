// SPDX-License-Identifier: Apache-2.0
#include "package/image/sealed_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "package/bytes.h"
#include "package/image/hash_tree.h"

#ifndef MFD_NOEXEC_SEAL  // Linux 6.3, include/uapi/linux/memfd.h
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace northstar {
namespace {

// F_SEAL_FUTURE_WRITE is not enough: mappings that are there already may go on writing.
constexpr int kContentSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;

}  // namespace

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

SealedImage sealImage(int fd, Extent image, const std::optional<Verity>& verity, unsigned threads,
                      const std::stop_token& stop) {
    if (!verity) {
        throw Error{Code::Failed,
                    "Cannot seal the image: the package is not verified, so there is nothing to check it against"};
    }
    const std::uint64_t size = verity->superblockOffset;
    // Before the check: seals cannot be taken off again, so what is checked is what stays.
    const bool sealed = isSealed(fd);
    const HashTree tree = HashTree::load(fd, image, *verity);
    if (sealed) {
        tree.verifyData(fd, image, threads, stop);
        UniqueFd second = duplicateFd(fd);
        if (!second) throwErrno(Code::Failed, "Cannot duplicate the package's descriptor", errno);
        return {std::move(second), {image.offset, size}};
    }
    UniqueFd memfd = makeMemfd("northstar-image");
    if (::ftruncate(memfd.get(), static_cast<off_t>(size)) != 0) {
        throwErrno(codeForWrite(errno), "Cannot make a memory file of " + std::to_string(size) + " bytes", errno);
    }
    tree.verifyData(fd, image, threads, stop, [&memfd](std::uint64_t offset, Bytes data) {
        writeAt(memfd.get(), offset, data, "Cannot copy the image into memory");
    });
    sealMemfd(memfd.get());
    return {std::move(memfd), {0, size}};
}

}  // namespace northstar
