// SPDX-License-Identifier: Apache-2.0
// signature.yaml, as it is written. signature.h reads it.
#pragma once

#include "base/std.h"
#include "package/signature.h"

namespace northstar {

using Signature = std::array<std::uint8_t, 64>;  // ed25519, RFC 8032

// The very bytes that are signed, the last newline included.
[[nodiscard]] std::string signedText(const SignedHashes& hashes);

// The whole file. Its size depends on the signed text's alone.
[[nodiscard]] std::string signatureFile(const std::string& signedText, const Signature& signature);

}  // namespace northstar
