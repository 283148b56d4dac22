// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <sys/random.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/hex.h"

namespace northstar {

std::string randomHex() {
    std::array<std::uint8_t, 16> bytes{};
    if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        throwErrno(Code::Failed, "Cannot get random bytes", errno);
    }
    return toHex(bytes);
}

}  // namespace northstar
