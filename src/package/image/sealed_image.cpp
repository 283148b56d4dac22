// SPDX-License-Identifier: Apache-2.0
#include "package/image/sealed_image.h"

#include <unistd.h>

#include "base/error.h"
#include "package/image/hash_tree.h"
#include "package/image/memfd.h"
#include "package/image/verity.h"

namespace northstar {
namespace {

// Called by several threads, each with its own part of the image.
void writeAt(int fd, std::uint64_t offset, std::span<const std::uint8_t> data) {
    while (!data.empty()) {
        const ssize_t put = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0)
            throwErrno(codeForWrite(put < 0 ? errno : ENOSPC), "Cannot copy the image into memory",
                       put < 0 ? errno : ENOSPC);
        data = data.subspan(static_cast<std::size_t>(put));
        offset += static_cast<std::uint64_t>(put);
    }
}

UniqueFd checkInPlace(int fd, Extent image, const HashTree& tree, unsigned threads, const std::stop_token& stop) {
    tree.verifyData(fd, image, threads, stop);
    UniqueFd second = duplicateFd(fd);
    if (!second) throwErrno(Code::Failed, "Cannot duplicate the package's descriptor", errno);
    return second;
}

UniqueFd copy(int fd, Extent image, std::uint64_t size, const HashTree& tree, unsigned threads,
              const std::stop_token& stop) {
    UniqueFd memfd = makeMemfd("northstar-image");
    if (::ftruncate(memfd.get(), static_cast<off_t>(size)) != 0) {
        throwErrno(codeForWrite(errno), "Cannot make a memory file of " + std::to_string(size) + " bytes", errno);
    }
    tree.verifyData(fd, image, threads, stop, [&memfd](std::uint64_t offset, std::span<const std::uint8_t> data) {
        writeAt(memfd.get(), offset, data);
    });
    sealMemfd(memfd.get());
    return memfd;
}

}  // namespace

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
    if (sealed) return {checkInPlace(fd, image, tree, threads, stop), {image.offset, size}};
    return {copy(fd, image, size, tree, threads, stop), {0, size}};
}

}  // namespace northstar
