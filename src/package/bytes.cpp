// SPDX-License-Identifier: Apache-2.0
#include "package/bytes.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstring>
#include <limits>

#include "base/checked.h"
#include "base/error.h"

namespace northstar {
namespace {

constexpr std::size_t kHole = 4096;  // a block of dm-verity

void check(int result) {
    if (result != 1) throw Error{Code::Failed, "OpenSSL cannot compute SHA-256"};
}

}  // namespace

std::size_t readAt(int fd, std::uint64_t offset, std::span<std::uint8_t> buffer) {
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
    if (!Extent{offset, buffer.size()}.within(kMost)) return 0;
    std::size_t done = 0;
    while (done < buffer.size()) {
        const ssize_t got = ::pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
        if (got == 0) break;
        if (got < 0) {
            if (errno == EINTR) continue;
            throwErrno(Code::Failed, fmt::format("Cannot read at byte {}", offset + done), errno);
        }
        done += static_cast<std::size_t>(got);
    }
    return done;
}

Code codeForWrite(int error) noexcept {
    const bool noRoom = error == ENOSPC || error == EFBIG || error == EDQUOT;
    return noRoom ? Code::CapacityExceeded : Code::Failed;
}

void writeAt(int fd, std::uint64_t offset, Bytes data, const std::string& what) {
    while (!data.empty()) {
        const ssize_t put = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) {
            const int error = put < 0 ? errno : ENOSPC;
            throwErrno(codeForWrite(error), what, error);
        }
        data = data.subspan(static_cast<std::size_t>(put));
        offset += static_cast<std::uint64_t>(put);
    }
}

// Compares the bytes with themselves, one further: memcmp takes 16 or 32 at a time.
bool isZero(Bytes bytes) noexcept {
    return bytes.empty() || (bytes.front() == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

Sha256 sha256(Bytes bytes) {
    Sha256 digest{};
    check(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr));
    return digest;
}

Sha256 sha256(std::string_view bytes) {
    return sha256(std::span{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

void SaltedHash::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

SaltedHash::SaltedHash(Bytes salt) : salted_{EVP_MD_CTX_new()}, work_{EVP_MD_CTX_new()} {
    if (salted_ == nullptr || work_ == nullptr) throw Error{Code::Failed, "OpenSSL is out of memory"};
    check(EVP_DigestInit_ex(salted_.get(), EVP_sha256(), nullptr));
    check(EVP_DigestUpdate(salted_.get(), salt.data(), salt.size()));
}

Sha256 SaltedHash::operator()(Bytes block) {
    const bool hole = block.size() == kHole && isZero(block);
    if (hole && ofHole_) return *ofHole_;
    Sha256 digest{};
    check(EVP_MD_CTX_copy_ex(work_.get(), salted_.get()));
    check(EVP_DigestUpdate(work_.get(), block.data(), block.size()));
    check(EVP_DigestFinal_ex(work_.get(), digest.data(), nullptr));
    if (hole) ofHole_ = digest;
    return digest;
}

}  // namespace northstar
