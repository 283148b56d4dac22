// SPDX-License-Identifier: Apache-2.0
// Any bytes as a key file, raw or PEM: what is taken for a key can be written and read again.
#include <string>

#include "base/error.h"
#include "fuzz/require.h"
#include "package/signing_key.h"

using namespace northstar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string file{data, data + size};
    try {
        const PublicKey key = parsePublicKey(file);
        require(parsePublicKey(publicPem(key)) == key);
    } catch (const Error& error) {
        require(error.code() == Code::Failed);
    }
    try {
        const SigningKey key = SigningKey::parse(file, [] { return "secret"; });
        require(SigningKey::parse(key.seed(), {}).seed() == key.seed());
        require(key.publicKey().verifies("message", key.sign("message")));
    } catch (const Error& error) {
        require(error.code() == Code::Failed);
    }
    return 0;
}
