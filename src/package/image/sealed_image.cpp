// SPDX-License-Identifier: Apache-2.0
#include "package/image/sealed_image.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/error.h"
#include "package/image/hash_tree.h"
#include "package/image/memfd.h"

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

SealedImage checkInPlace(const Package& package, const HashTree& tree, unsigned threads, const std::stop_token& stop) {
    tree.verifyData(package.fd.get(), package.image, threads, stop);
    UniqueFd fd{::fcntl(package.fd.get(), F_DUPFD_CLOEXEC, 0)};
    if (!fd) throwErrno(Code::Failed, "Cannot duplicate the package's descriptor", errno);
    return {std::move(fd), {package.image.offset, package.dataSize()}};
}

SealedImage copy(const Package& package, const HashTree& tree, unsigned threads, const std::stop_token& stop) {
    const std::uint64_t size = package.dataSize();
    UniqueFd fd = makeMemfd("northstar-image");
    if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
        throwErrno(codeForWrite(errno), "Cannot make a memory file of " + std::to_string(size) + " bytes", errno);
    }
    tree.verifyData(
        package.fd.get(), package.image, threads, stop,
        [&fd](std::uint64_t offset, std::span<const std::uint8_t> data) { writeAt(fd.get(), offset, data); });
    sealMemfd(fd.get());
    return {std::move(fd), {0, size}};
}

}  // namespace

SealedImage sealImage(const Package& package, unsigned threads, const std::stop_token& stop) {
    if (!package.verity) {
        throw Error{Code::Failed, "Cannot seal the image of " + package.manifest.container() +
                                      ": the package is not verified, so there is nothing to check it against"};
    }
    // Before the check: seals cannot be taken off again, so what is checked is what stays.
    const bool sealed = isSealed(package.fd.get());
    const HashTree tree = HashTree::load(package.fd.get(), package.image, *package.verity);
    return sealed ? checkInPlace(package, tree, threads, stop) : copy(package, tree, threads, stop);
}

}  // namespace northstar
