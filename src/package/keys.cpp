// SPDX-License-Identifier: Apache-2.0
#include "package/keys.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/hex.h"
#include "base/unique_fd.h"
#include "package/digest.h"
#include "package/read_at.h"

namespace northstar {
namespace {

struct FreeOpenssl {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

}  // namespace

PublicKey::PublicKey(const std::array<std::uint8_t, kSize>& bytes)
    : bytes_{bytes}, fingerprint_{toHex(sha256(std::span<const std::uint8_t>{bytes}))} {}

bool PublicKey::verifies(std::string_view message, std::span<const std::uint8_t> signature) const {
    constexpr std::size_t kSignatureSize = 64;  // RFC 8032, 5.1.6
    if (signature.size() != kSignatureSize) return false;
    const std::unique_ptr<EVP_PKEY, FreeOpenssl> key{
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_.data(), bytes_.size())};
    const std::unique_ptr<EVP_MD_CTX, FreeOpenssl> context{EVP_MD_CTX_new()};
    if (key == nullptr || context == nullptr) return false;
    if (EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) return false;
    return EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                            reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
}

void KeyRing::add(const PublicKey& key) {
    if (std::find(keys_.begin(), keys_.end(), key) == keys_.end()) keys_.push_back(key);
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
    const auto found = std::find_if(keys_.begin(), keys_.end(),
                                    [&](const PublicKey& key) { return key.verifies(message, signature); });
    return found == keys_.end() ? nullptr : &*found;
}

PublicKey loadPublicKey(const std::string& path) {
    const std::string what = "Cannot read the public key " + printable(path);
    // O_NONBLOCK: a FIFO in its place must not hold the service up; it is refused below.
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!fd) throwErrno(Code::Failed, what, errno);
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) throwErrno(Code::Failed, what, errno);
    if (!S_ISREG(status.st_mode)) throw Error{Code::Failed, what + ": it is not a regular file"};

    std::array<std::uint8_t, PublicKey::kSize + 1> buffer{};  // one more byte, to see a file that is too long
    std::size_t size = 0;
    try {
        size = readAt(fd.get(), 0, buffer);
    } catch (const Error& error) {
        throw Error{Code::Failed, what + ": " + error.what()};
    }
    if (size != PublicKey::kSize) {
        throw Error{Code::Failed, what + ": it must be a raw ed25519 key of exactly 32 bytes, not PEM or text"};
    }
    std::array<std::uint8_t, PublicKey::kSize> bytes{};
    std::copy_n(buffer.begin(), bytes.size(), bytes.begin());
    return PublicKey{bytes};
}

}  // namespace northstar
