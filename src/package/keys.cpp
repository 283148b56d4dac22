// SPDX-License-Identifier: Apache-2.0
#include "package/keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/types.h>

#include "base/error.h"
#include "base/hex.h"
#include "base/own_file.h"
#include "base/unique_fd.h"
#include "package/bytes.h"

namespace northstar {
namespace {

using KeyBytes = std::array<std::uint8_t, PublicKey::kSize>;

// RFC 8032, 5.1.2 and 5.1.3: an encoding is y, little endian, and in its last bit the sign of x. OpenSSL takes a y
// from 2^255-19 on, too, as what it is modulo that.
bool isCanonical(const KeyBytes& y) {
    const bool large = std::all_of(y.begin() + 1, y.end() - 1, [](std::uint8_t byte) { return byte == 0xff; });
    return !(large && y.back() == 0x7f && y.front() >= 0xed);
}

// The y of the eight points whose order divides 8: 0 (order 4, two points), 1 (the neutral one), -1 (order 2), and
// two of order 8 with two points each, the roots of d*y^4 + 2*y^2 = 1. OpenSSL takes either sign for any of them.
bool isOfSmallOrder(const KeyBytes& y) {
    constexpr std::array<std::string_view, 5> kSmall{
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"};
    return std::ranges::find(kSmall, toHex(y)) != kSmall.end();
}

}  // namespace

PublicKey::PublicKey(const std::array<std::uint8_t, kSize>& bytes)
    : bytes_{bytes}, fingerprint_{toHex(sha256(std::span<const std::uint8_t>{bytes}))} {
    KeyBytes y = bytes;
    y.back() &= 0x7f;
    if (isCanonical(y) && !isOfSmallOrder(y)) return;
    throw Error{Code::Failed,
                "it is no key, as anybody could sign for it (a point of small order, or not in its one encoding); "
                "put the signer's public key there"};
}

bool PublicKey::verifies(std::string_view message, std::span<const std::uint8_t> signature) const {
    constexpr std::size_t kSignatureSize = 64;  // RFC 8032, 5.1.6
    if (signature.size() != kSignatureSize) return false;
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_.data(), bytes_.size()), EVP_PKEY_free};
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    if (key == nullptr || context == nullptr) return false;
    if (EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) return false;
    return EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                            reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
}

void KeyRing::add(const PublicKey& key) {
    if (std::ranges::find(keys_, key) == keys_.end()) keys_.push_back(key);
}

void KeyRing::add(const KeyRing& others) {
    if (&others == this) return;
    for (const PublicKey& key : others.keys_) add(key);
}

std::vector<std::string> KeyRing::fingerprints() const {
    std::vector<std::string> names;
    names.reserve(keys_.size());
    for (const PublicKey& key : keys_) names.push_back(key.fingerprint());
    return names;
}

const PublicKey* KeyRing::signer(std::string_view message, std::span<const std::uint8_t> signature) const {
    const auto found = std::ranges::find_if(keys_, [&](const auto& key) { return key.verifies(message, signature); });
    return found == keys_.end() ? nullptr : &*found;
}

PublicKey loadPublicKey(const std::string& path) {
    const std::string what = "Cannot read the public key " + printable(path);
    // O_NONBLOCK: a FIFO in its place must not hold the service up; it is refused below.
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!fd) throwErrno(Code::Failed, what, errno);
    requireOwnFile(fd.get(), what, path);

    std::array<std::uint8_t, PublicKey::kSize + 1> buffer{};  // one more byte, to see a file that is too long
    try {
        if (readAt(fd.get(), 0, buffer) != PublicKey::kSize) {
            throw Error{Code::Failed, "it must be a raw ed25519 key of exactly 32 bytes, not PEM or text"};
        }
        KeyBytes bytes{};
        std::copy_n(buffer.begin(), bytes.size(), bytes.begin());
        return PublicKey{bytes};
    } catch (const Error& error) {
        throw Error{Code::Failed, fmt::format("{}: {}", what, error.what())};
    }
}

}  // namespace northstar
