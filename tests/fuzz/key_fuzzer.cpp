// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file with a public key: it is read or refused with Failed, and a key that was read takes no signature
// that was made without a secret.
#include <string>
#include <vector>

#include "base/error.h"
#include "base/hex.h"
#include "fuzz/memory.h"
#include "fuzz/require.h"
#include "package/keys.h"

using namespace northstar;

namespace {

// R of small order and S = 0 are what anybody can write.
void checkNotForged(const PublicKey& key) {
    for (const char* point : {"0100000000000000000000000000000000000000000000000000000000000000",
                              "0000000000000000000000000000000000000000000000000000000000000000",
                              "0000000000000000000000000000000000000000000000000000000000000080",
                              "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                              "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                              "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
                              "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                              "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"}) {
        std::vector<std::uint8_t> signature = fromHex(point).value();
        signature.resize(64);
        for (const char* message : {"a", "b", "c", "d", "e", "f", "g", "h"}) require(!key.verifies(message, signature));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const UniqueFd file = test::memoryWith({data, size});
    try {
        const PublicKey key = loadPublicKey(test::pathOf(file));
        require(size == PublicKey::kSize && key.fingerprint().size() == 64);
        checkNotForged(key);
    } catch (const Error& error) {
        require(error.code() == Code::Failed && test::isOneLine(error.what()));
    }
    return 0;
}
