// SPDX-License-Identifier: Apache-2.0
// An image whose every byte was checked and that nobody can change any more: a sealed memfd. The alternative to
// dm-verity for kernels without it; it costs the image's size in memory. Also the memfds themselves: memfd_create(2).
#pragma once

#include <stop_token>

#include "base/checked.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "package/image/superblock.h"

namespace northstar {

// An empty memfd, close-on-exec, that can be sealed and never executed (on kernels that know the latter). `name` is
// what /proc shows. Throws CapacityExceeded, Failed.
[[nodiscard]] UniqueFd makeMemfd(const char* name);

// Seals it against writing, growing, shrinking and further seals, for ever. Throws Failed.
void sealMemfd(int fd);

// Is the descriptor a memfd whose content can never change again?
[[nodiscard]] bool isSealed(int fd);

struct SealedImage {
    UniqueFd fd;   // sealed against writing, growing, shrinking and further seals (fcntl(2), F_ADD_SEALS)
    Extent image;  // the filesystem's data inside it, bytes
};

// Checks the whole image at `image` in `fd` against its tree. What lies in a sealed memfd already is used in place (the
// descriptor is duplicated); any other is copied, and what is copied is what was checked. Blocks; uses `threads`
// threads (0: one per processor). Throws Corrupted, CapacityExceeded (no memory), Failed (also without `verity`: then
// the package is not verified).
[[nodiscard]] SealedImage sealImage(int fd, Extent image, const std::optional<Verity>& verity, unsigned threads,
                                    const std::stop_token& stop);

}  // namespace northstar
