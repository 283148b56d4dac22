// SPDX-License-Identifier: Apache-2.0
// Any bytes as signature.yaml, and as the signed part of it.
#include <string>

#include "base/error.h"
#include "fuzz/require.h"
#include "package/signature.h"

using namespace northstar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{data, data + size};
    const auto file = splitSignatureFile(text);
    if (file) require(text.starts_with(file->signedBytes) && file->signedBytes.ends_with('\n'));
    try {
        const SignedHashes hashes = parseSignedHashes(file ? file->signedBytes : std::string_view{text});
        require(hashes.verityOffset != 0 && hashes.verityOffset % 4096 == 0);
    } catch (const Error& error) {
        require(error.code() == Code::InvalidSignature);
    }
    return 0;
}
