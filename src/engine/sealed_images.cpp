// SPDX-License-Identifier: Apache-2.0
#include "engine/sealed_images.h"

#include "base/hex.h"

namespace northstar {
namespace {

// The root hash stands for the whole content; empty for what is not verified, which sealImage() refuses.
std::string keyOf(const Package& package) {
    if (!package.verity) return {};
    return toHex(package.verity->rootHash) + " " + toHex(package.verity->salt) + " " +
           std::to_string(package.verity->dataBlocks);
}

}  // namespace

std::shared_ptr<const SealedImage> SealedImages::get(const Package& package, const std::stop_token& stop) {
    const std::string key = keyOf(package);
    {
        const std::lock_guard lock{mutex_};
        std::erase_if(images_, [](const auto& image) { return image.second.expired(); });
        const auto known = images_.find(key);
        if (const auto image = known != images_.end() ? known->second.lock() : nullptr) return image;
    }
    const auto image =
        std::make_shared<const SealedImage>(sealImage(package.fd.get(), package.image, package.verity, 0, stop));
    const std::lock_guard lock{mutex_};
    images_.insert_or_assign(key, image);
    return image;
}

void SealedImages::keep(std::uint32_t mount, std::shared_ptr<const SealedImage> image) {
    const std::lock_guard lock{mutex_};
    mounted_.insert_or_assign(mount, std::move(image));
}

void SealedImages::release(std::uint32_t mount) noexcept {
    decltype(mounted_)::node_type last;  // destroyed without the lock
    const std::lock_guard lock{mutex_};
    last = mounted_.extract(mount);
}

std::size_t SealedImages::size() const {
    const std::lock_guard lock{mutex_};
    return static_cast<std::size_t>(
        std::ranges::count_if(images_, [](const auto& image) { return !image.second.expired(); }));
}

}  // namespace northstar
