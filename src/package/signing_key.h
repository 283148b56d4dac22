// SPDX-License-Identifier: Apache-2.0
// Secret keys that packages are signed with: ed25519, kept by OpenSSL, which clears them when they go.
#pragma once

#include "base/std.h"
#include "package/keys.h"
#include "package/signature_writer.h"

// OpenSSL's name, so that its header stays out of ours.
struct evp_pkey_st;

namespace northstar {

// Asks for the passphrase of a key; throws if there is none to be had.
using AskPassphrase = std::function<std::string()>;

class SigningKey {
public:
    // From the system's random numbers. Throws Failed.
    [[nodiscard]] static SigningKey generate();
    // From the text of a file: the 32 bytes of a seed, or a private key in PEM (PKCS#8), for which a passphrase is
    // asked if it is encrypted. Throws Failed if it is neither, and what `ask` throws.
    [[nodiscard]] static SigningKey parse(const std::string& file, const AskPassphrase& ask);

    [[nodiscard]] PublicKey publicKey() const;
    [[nodiscard]] Signature sign(std::string_view message) const;

    // What parse() reads: 32 bytes; or PKCS#8, encrypted with AES-256 if there is a passphrase.
    [[nodiscard]] std::string seed() const;
    [[nodiscard]] std::string pem(const std::optional<std::string>& passphrase) const;

private:
    struct Free {
        void operator()(evp_pkey_st* key) const noexcept;
    };
    using Owner = std::unique_ptr<evp_pkey_st, Free>;
    explicit SigningKey(Owner key) : key_{std::move(key)} {}

    Owner key_;
};

// A public key from the text of a file: 32 bytes, or PEM (SubjectPublicKeyInfo). Throws Failed if it is neither, or a
// key for which anybody could sign.
[[nodiscard]] PublicKey parsePublicKey(const std::string& file);

// The same key as PEM.
[[nodiscard]] std::string publicPem(const PublicKey& key);

}  // namespace northstar
