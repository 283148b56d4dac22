// SPDX-License-Identifier: Apache-2.0
// keygen, and the keys that other commands are given.
#include "npk/keys.h"

#include <unistd.h>

#include <iostream>

#include "base/error.h"
#include "base/std.h"
#include "npk/commands.h"
#include "npk/passphrase.h"
#include "package/key_file.h"

namespace northstar::npk {

KeyRing publicKeys(const Common& common) {
    KeyRing ring;
    for (const std::string& path : common.keys) ring.add(loadAnyPublicKey(path));
    return ring;
}

SigningKey signingKey(const Common& common) {
    return loadSigningKey(common.keys.at(0), passphraseFrom(common.passphraseFile, common.keys.at(0), common.stop));
}

void keygen(const Common& common, const KeygenOptions& options) {
    const std::string secret = options.name + ".key", open = options.name + ".pub";
    // Both names are taken or none: a pair of which one half is old is of no use.
    for (const std::string& path : {secret, open}) {
        if (::access(path.c_str(), F_OK) == 0 || errno != ENOENT) {
            throw Error{Code::Failed,
                        "Cannot write " + printable(path) + ": it is there already, or cannot be looked at"};
        }
    }
    const bool encrypted = options.encrypt || !common.passphraseFile.empty();
    std::optional<std::string> passphrase;
    if (encrypted) passphrase = passphraseFrom(common.passphraseFile, secret, common.stop, true)();
    const SigningKey key = SigningKey::generate();
    const PublicKey publicKey = key.publicKey();
    const std::string raw{publicKey.bytes().begin(), publicKey.bytes().end()};
    writeNewFile(secret, options.pem ? key.pem(passphrase) : key.seed(), 0600);
    try {
        writeNewFile(open, options.pem ? publicPem(publicKey) : raw, 0644);
    } catch (const Error&) {
        ::unlink(secret.c_str());
        throw;
    }
    std::cout << publicKey.fingerprint() << '\n';
}

}  // namespace northstar::npk
