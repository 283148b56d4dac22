// SPDX-License-Identifier: Apache-2.0
// The keys that a command line names, raw or PEM.
#pragma once

#include "npk/commands.h"
#include "package/keys.h"
#include "package/signing_key.h"

namespace northstar::npk {

// All of them. Throws Failed naming the file.
[[nodiscard]] KeyRing publicKeys(const Common& common);

// The one that there is. Asks for its passphrase if it has one. Throws Failed naming the file.
[[nodiscard]] SigningKey signingKey(const Common& common);

}  // namespace northstar::npk
