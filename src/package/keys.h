// SPDX-License-Identifier: Apache-2.0
// Public keys that packages are signed with: raw ed25519 keys of 32 bytes (RFC 8032), one a file.
#pragma once

#include "base/std.h"

namespace northstar {

class PublicKey {
public:
    static constexpr std::size_t kSize = 32;  // RFC 8032, 5.1.5

    // Throws Failed for bytes that are no key: an encoding of a point of small order, for which anybody can make
    // signatures (S*B = R + k*A holds with S = 0 and R = -k*A, one of at most 8 points), or one that is not canonical.
    explicit PublicKey(const std::array<std::uint8_t, kSize>& bytes);

    [[nodiscard]] const std::array<std::uint8_t, kSize>& bytes() const noexcept { return bytes_; }

    // SHA-256 of the 32 bytes, in hexadecimal: how a key is named on the bus and in logs.
    [[nodiscard]] const std::string& fingerprint() const noexcept { return fingerprint_; }

    // Did this key make this 64-byte signature of these bytes? Never throws for bad input: it is just false.
    [[nodiscard]] bool verifies(std::string_view message, std::span<const std::uint8_t> signature) const;

    bool operator==(const PublicKey& other) const noexcept { return bytes_ == other.bytes_; }

private:
    std::array<std::uint8_t, kSize> bytes_;
    std::string fingerprint_;
};

// Any of several keys, for rotation.
class KeyRing {
public:
    // Adding a key twice keeps one.
    void add(const PublicKey& key);
    void add(const KeyRing& others);

    [[nodiscard]] bool empty() const noexcept { return keys_.empty(); }
    [[nodiscard]] std::vector<std::string> fingerprints() const;

    // The key that made the signature, or nullptr. The pointer lives as long as the ring is not changed.
    [[nodiscard]] const PublicKey* signer(std::string_view message, std::span<const std::uint8_t> signature) const;

private:
    std::vector<PublicKey> keys_;
};

// Reads a key file. Throws Failed if it cannot be read or is not exactly the 32 bytes of a key, naming the file.
[[nodiscard]] PublicKey loadPublicKey(const std::string& path);

}  // namespace northstar
