// SPDX-License-Identifier: Apache-2.0
#include "package/digest.h"

#include <openssl/evp.h>

#include "base/error.h"

namespace northstar {
namespace {

void check(int result) {
    if (result != 1) throw Error{Code::Failed, "OpenSSL cannot compute SHA-256"};
}

}  // namespace

Sha256 sha256(std::span<const std::uint8_t> bytes) {
    Sha256 digest{};
    check(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr));
    return digest;
}

Sha256 sha256(std::string_view bytes) {
    return sha256(std::span{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

void SaltedHash::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

SaltedHash::SaltedHash(std::span<const std::uint8_t> salt) : salted_{EVP_MD_CTX_new()}, work_{EVP_MD_CTX_new()} {
    if (salted_ == nullptr || work_ == nullptr) throw Error{Code::Failed, "OpenSSL is out of memory"};
    check(EVP_DigestInit_ex(salted_.get(), EVP_sha256(), nullptr));
    check(EVP_DigestUpdate(salted_.get(), salt.data(), salt.size()));
}

Sha256 SaltedHash::operator()(std::span<const std::uint8_t> block) {
    Sha256 digest{};
    check(EVP_MD_CTX_copy_ex(work_.get(), salted_.get()));
    check(EVP_DigestUpdate(work_.get(), block.data(), block.size()));
    check(EVP_DigestFinal_ex(work_.get(), digest.data(), nullptr));
    return digest;
}

}  // namespace northstar
