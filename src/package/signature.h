// SPDX-License-Identifier: Apache-2.0
// signature.yaml: what was signed of a package, and the signature. Internal to src/package.
#pragma once

#include "base/std.h"
#include "package/bytes.h"

namespace northstar {

// The file cut in two, with nothing in it believed yet.
struct SignatureFile {
    std::string_view signedBytes;              // into the file's text: all before the line "---"
    std::array<std::uint8_t, 64> signature{};  // ed25519, RFC 8032
};

// nullopt if the text has not that form.
[[nodiscard]] std::optional<SignatureFile> splitSignatureFile(std::string_view text);

// The hashes that were signed.
struct SignedHashes {
    Sha256 comment{};                // of the archive comment
    Sha256 manifest{};               // of manifest.yaml
    Sha256 rootHash{};               // dm-verity root hash of fs.img
    std::uint64_t verityOffset = 0;  // of the verity superblock in fs.img, bytes; a positive multiple of 4096
};

// To be called only with bytes whose signature was good. Throws InvalidSignature if they are malformed.
[[nodiscard]] SignedHashes parseSignedHashes(std::string_view signedBytes);

}  // namespace northstar
