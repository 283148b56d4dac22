// SPDX-License-Identifier: Apache-2.0
#include "package/signature_writer.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/hex.h"

namespace northstar {

std::string signedText(const SignedHashes& hashes) {
    return fmt::format(
        "meta:\n  hash: {}\nmanifest.yaml:\n  hash: {}\nfs.img:\n  verity-hash: {}\n  verity-offset: {}\n",
        toHex(hashes.comment), toHex(hashes.manifest), toHex(hashes.rootHash), hashes.verityOffset);
}

std::string signatureFile(const std::string& signedText, const Signature& signature) {
    std::array<unsigned char, 89> base64{};  // 88 digits of 64 bytes, and NUL
    const int size = EVP_EncodeBlock(base64.data(), signature.data(), static_cast<int>(signature.size()));
    return signedText + "---\nsignature: " + std::string{base64.begin(), base64.begin() + size};
}

}  // namespace northstar
