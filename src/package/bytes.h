// SPDX-License-Identifier: Apache-2.0
// The bytes of a package file: reading some at a position, little-endian numbers in them, and their SHA-256 (through
// OpenSSL, which uses the processor's SHA instructions). Internal to src/package.
#pragma once

#include <concepts>

#include "base/error.h"
#include "base/std.h"

// OpenSSL's names, so that its header stays out of ours.
struct evp_md_ctx_st;

namespace northstar {

using Bytes = std::span<const std::uint8_t>;
using Sha256 = std::array<std::uint8_t, 32>;

// Reads until the buffer is full or the file ends; returns how many bytes were read. `offset` is in bytes; one that no
// file can have reads nothing. A descriptor that others share keeps its file offset. Throws Failed on a read error.
// Thread-safe.
[[nodiscard]] std::size_t readAt(int fd, std::uint64_t offset, std::span<std::uint8_t> buffer);

// CapacityExceeded if the error says that there is no room, else Failed.
[[nodiscard]] Code codeForWrite(int error) noexcept;

// Writes all of it. `what` begins the message ("Cannot write the package"). Throws CapacityExceeded if there is no
// room, Failed. Thread-safe for runs that do not overlap.
void writeAt(int fd, std::uint64_t offset, Bytes data, const std::string& what);

// Are they all zero?
[[nodiscard]] bool isZero(Bytes bytes) noexcept;

// The little-endian number at `offset`. The caller has made sure that the bytes are there.
template <typename Number>
[[nodiscard]] Number littleEndian(Bytes bytes, std::size_t offset) {
    std::uint64_t value = 0;
    for (std::size_t i = sizeof(Number); i-- > 0;) value = (value << 8U) | bytes[offset + i];
    return static_cast<Number>(value);
}
inline constexpr auto le16 = littleEndian<std::uint16_t>;
inline constexpr auto le32 = littleEndian<std::uint32_t>;
inline constexpr auto le64 = littleEndian<std::uint64_t>;

// The same number at the end of a text that is to be written.
template <std::unsigned_integral Number>
void appendLittleEndian(std::string& text, Number value) {
    for (std::size_t i = 0; i < sizeof(Number); ++i) text += static_cast<char>((value >> (8U * i)) & 0xffU);
}

// Throws Failed if OpenSSL has no memory or no SHA-256.
[[nodiscard]] Sha256 sha256(Bytes bytes);
[[nodiscard]] Sha256 sha256(std::string_view bytes);

// SHA-256(salt || block), again and again for the same salt: the salt is hashed once and its state copied, and a block
// of 4096 zeros, of which sparse images are full, is hashed once. One a thread.
class SaltedHash {
public:
    explicit SaltedHash(Bytes salt);

    [[nodiscard]] Sha256 operator()(Bytes block);

private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const noexcept;
    };
    std::unique_ptr<evp_md_ctx_st, Free> salted_, work_;
    std::optional<Sha256> ofHole_;
};

}  // namespace northstar
