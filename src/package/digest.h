// SPDX-License-Identifier: Apache-2.0
// SHA-256 through OpenSSL, which uses the processor's SHA instructions. Internal to src/package.
#pragma once

#include "base/std.h"

// OpenSSL's names, so that its header stays out of ours.
struct evp_md_ctx_st;

namespace northstar {

using Sha256 = std::array<std::uint8_t, 32>;

// Throws Failed if OpenSSL has no memory or no SHA-256.
[[nodiscard]] Sha256 sha256(std::span<const std::uint8_t> bytes);
[[nodiscard]] Sha256 sha256(std::string_view bytes);

// SHA-256(salt || block), again and again for the same salt: the salt is hashed once and its state copied.
// One a thread.
class SaltedHash {
public:
    explicit SaltedHash(std::span<const std::uint8_t> salt);

    [[nodiscard]] Sha256 operator()(std::span<const std::uint8_t> block);

private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const noexcept;
    };
    std::unique_ptr<evp_md_ctx_st, Free> salted_, work_;
};

}  // namespace northstar
