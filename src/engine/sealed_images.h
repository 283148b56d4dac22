// SPDX-License-Identifier: Apache-2.0
// Sealed copies that mounts share: one for an image, however often it is mounted, and who keeps it. Thread-safe.
#pragma once

#include <mutex>
#include <stop_token>

#include "base/std.h"
#include "package/image/sealed_image.h"
#include "package/package.h"

namespace northstar {

class SealedImages {
public:
    // The copy of this package's image that somebody still has, or a new one; it lives as long as who asked for it
    // keeps it. Two threads that ask for one image at the same time may get two. Blocks; throws what sealImage()
    // throws.
    [[nodiscard]] std::shared_ptr<const SealedImage> get(const Package& package, const std::stop_token& stop);

    // A mount uses this copy, until it is released.
    void keep(std::uint32_t mount, std::shared_ptr<const SealedImage> image);
    // Nothing happens if that mount keeps none. Whoever lets go of a copy last gives back its memory, which takes time.
    void release(std::uint32_t mount) noexcept;

    // How many copies there are.
    [[nodiscard]] std::size_t size() const;

private:
    mutable std::mutex mutex_;
    std::map<std::uint32_t, std::shared_ptr<const SealedImage>> mounted_;
    std::map<std::string, std::weak_ptr<const SealedImage>> images_;  // by what their content was checked against
};

}  // namespace northstar
