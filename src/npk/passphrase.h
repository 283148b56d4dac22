// SPDX-License-Identifier: Apache-2.0
// The passphrase of a key in PEM: from a file, or from the person at the terminal.
#pragma once

#include <stop_token>

#include "base/std.h"
#include "package/signing_key.h"

namespace northstar::npk {

// The first line of the file if one is given, else what is typed at the terminal, which shows nothing of it; twice if
// the key is new. The function throws Failed if there is neither, or if it is stopped meanwhile.
[[nodiscard]] AskPassphrase passphraseFrom(const std::string& file, const std::string& forWhat,
                                           const std::stop_token& stop, bool isNew = false);

}  // namespace northstar::npk
