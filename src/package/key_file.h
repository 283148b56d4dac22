// SPDX-License-Identifier: Apache-2.0
// Key files of people who make packages: raw or PEM. The service takes raw public keys only, see keys.h.
#pragma once

#include "base/std.h"
#include "package/keys.h"
#include "package/signing_key.h"

namespace northstar {

// The whole of a small file: Throws Failed if it cannot be read or is larger than 64 KiB; `what` begins the message
// ("Cannot read the key"). A pipe is read to its end, so a shell's <(...) works.
[[nodiscard]] std::string readSmallFile(const std::string& path, const std::string& what);

// Both throw Failed naming the file, and what `ask` throws.
[[nodiscard]] PublicKey loadAnyPublicKey(const std::string& path);
[[nodiscard]] SigningKey loadSigningKey(const std::string& path, const AskPassphrase& ask);

// Writes a file that is not there yet, whole or not at all, with this mode whatever the umask. Throws Failed, also if
// there is one already, which then stays as it was.
void writeNewFile(const std::string& path, std::string_view content, unsigned mode);

}  // namespace northstar
