// SPDX-License-Identifier: Apache-2.0
#include "package/signing_key.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/types.h>

#include "base/error.h"

namespace northstar {
namespace {

constexpr std::size_t kSeedSize = 32;  // RFC 8032, 5.1.5
using KeyBytes = std::array<std::uint8_t, PublicKey::kSize>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free_all)>;

const std::uint8_t* bytesOf(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

bool isPem(const std::string& file) { return file.find("-----BEGIN ") != std::string::npos; }

void check(bool good, const char* what) {
    if (good) return;
    ERR_clear_error();
    throw Error{Code::Failed, std::string{"OpenSSL cannot "} + what};
}

void checkType(const EVP_PKEY* key) {
    if (EVP_PKEY_get_id(key) == EVP_PKEY_ED25519) return;
    throw Error{Code::Failed, "it is a key of another kind than ed25519"};
}

Bio reader(const std::string& text) {
    Bio bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free_all};
    check(bio != nullptr, "read a key");
    return bio;
}

std::string textOf(BIO* bio) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    return {text, static_cast<std::size_t>(std::max(size, 0L))};
}

// No exception may pass through OpenSSL: it is kept here meanwhile. OpenSSL asks once for each form that the key might
// have, a person is asked once.
struct Question {
    explicit Question(const AskPassphrase& whom) : ask{whom} {}
    ~Question() { OPENSSL_cleanse(passphrase.data(), passphrase.size()); }
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;

    const AskPassphrase& ask;
    std::string passphrase{};
    std::exception_ptr failure{};
    bool asked = false;
};

int answer(char* buffer, int size, int /*writing*/, void* context) noexcept {
    auto& question = *static_cast<Question*>(context);
    if (question.failure) return -1;
    try {
        if (!std::exchange(question.asked, true)) question.passphrase = question.ask();
        const std::size_t length = question.passphrase.size();
        if (length > static_cast<std::size_t>(size)) throw Error{Code::Failed, "the passphrase is too long"};
        std::ranges::copy(question.passphrase, buffer);
        return static_cast<int>(length);
    } catch (...) {
        question.failure = std::current_exception();
        return -1;
    }
}

// Without a function of ours OpenSSL would ask at the terminal, for a public key, too.
int refuseToAnswer(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) noexcept { return -1; }

}  // namespace

void SigningKey::Free::operator()(evp_pkey_st* key) const noexcept { EVP_PKEY_free(key); }

SigningKey SigningKey::generate() {
    Owner key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};
    check(key != nullptr, "make a key");
    return SigningKey{std::move(key)};
}

SigningKey SigningKey::parse(const std::string& file, const AskPassphrase& ask) {
    if (!isPem(file)) {
        if (file.size() != kSeedSize) {
            throw Error{Code::Failed, "it is neither a raw ed25519 seed of 32 bytes nor PEM"};
        }
        Owner key{EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytesOf(file), file.size())};
        check(key != nullptr, "use the key");
        return SigningKey{std::move(key)};
    }
    Question question{ask};
    const Bio bio = reader(file);
    Owner key{PEM_read_bio_PrivateKey(bio.get(), nullptr, answer, &question)};
    ERR_clear_error();
    if (question.failure) std::rethrow_exception(question.failure);
    if (key == nullptr) {
        throw Error{Code::Failed, question.asked ? "the passphrase is wrong, or the key is damaged"
                                                 : "it holds no private key in PEM that OpenSSL can read"};
    }
    checkType(key.get());
    return SigningKey{std::move(key)};
}

PublicKey SigningKey::publicKey() const {
    KeyBytes bytes{};
    std::size_t size = bytes.size();
    check(EVP_PKEY_get_raw_public_key(key_.get(), bytes.data(), &size) == 1, "tell the public key");
    return PublicKey{bytes};
}

Signature SigningKey::sign(std::string_view message) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    Signature signature{};
    std::size_t size = signature.size();
    const bool good = context != nullptr &&
                      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
                      EVP_DigestSign(context.get(), signature.data(), &size, bytesOf(message), message.size()) == 1;
    check(good && size == signature.size(), "sign");
    return signature;
}

std::string SigningKey::seed() const {
    std::array<std::uint8_t, kSeedSize> bytes{};
    std::size_t size = bytes.size();
    check(EVP_PKEY_get_raw_private_key(key_.get(), bytes.data(), &size) == 1, "tell the seed");
    std::string seed{bytes.begin(), bytes.end()};
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return seed;
}

std::string SigningKey::pem(const std::optional<std::string>& passphrase) const {
    const Bio bio{BIO_new(BIO_s_secmem()), BIO_free_all};
    const bool good =
        bio != nullptr &&
        PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), passphrase ? EVP_aes_256_cbc() : nullptr,
                                      passphrase ? passphrase->data() : nullptr,
                                      passphrase ? static_cast<int>(passphrase->size()) : 0, nullptr, nullptr) == 1;
    check(good, "write the key");
    return textOf(bio.get());
}

PublicKey parsePublicKey(const std::string& file) {
    KeyBytes bytes{};
    if (!isPem(file)) {
        if (file.size() != bytes.size()) {
            throw Error{Code::Failed, "it is neither a raw ed25519 key of 32 bytes nor PEM"};
        }
        std::ranges::copy(file, bytes.begin());
        return PublicKey{bytes};
    }
    const Bio bio = reader(file);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{
        PEM_read_bio_PUBKEY(bio.get(), nullptr, refuseToAnswer, nullptr), EVP_PKEY_free};
    ERR_clear_error();
    if (key == nullptr) throw Error{Code::Failed, "it holds no public key in PEM"};
    checkType(key.get());
    std::size_t size = bytes.size();
    check(EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &size) == 1, "use the key");
    return PublicKey{bytes};
}

std::string publicPem(const PublicKey& key) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> owned{
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.bytes().data(), key.bytes().size()), EVP_PKEY_free};
    const Bio bio{BIO_new(BIO_s_mem()), BIO_free_all};
    check(owned != nullptr && bio != nullptr && PEM_write_bio_PUBKEY(bio.get(), owned.get()) == 1, "write the key");
    return textOf(bio.get());
}

}  // namespace northstar
