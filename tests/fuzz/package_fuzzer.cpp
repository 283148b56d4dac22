// SPDX-License-Identifier: Apache-2.0
// Any bytes as a package file: they are opened or refused with an Error, and what was opened lies inside the
// file.
#include "base/error.h"
#include "fuzz/memory.h"
#include "fuzz/require.h"
#include "package/image/hash_tree.h"
#include "package/package.h"
#include "support/test_data.h"

using namespace northstar;

namespace {

void checkOpened(const Package& package) {
    require(package.image.within(package.identity.size));
    require(package.image.offset % 4096 == 0);
    require(isContainerName(package.manifest.name));
    require(package.dataSize() <= package.image.size);
    if (!package.verity) return;
    require(package.isSigned && !package.signer.empty());
    try {
        const HashTree tree = HashTree::load(package.fd.get(), package.image, *package.verity);
        tree.verifyData(package.fd.get(), package.image, 1, {});
    } catch (const Error& error) {
        require(error.code() == Code::Corrupted);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const PublicKey golden = loadPublicKey(test::dataPath("keys/golden.pub"));
    KeyRing keys;
    keys.add(golden);
    UniqueFd fd = test::memoryWith({data, size});
    try {
        checkOpened(openPackage(std::move(fd), keys, SignaturePolicy::Optional, "fuzz"));
    } catch (const Error& error) {
        require(error.code() == Code::InvalidPackage || error.code() == Code::InvalidSignature ||
                error.code() == Code::Corrupted);
    }
    return 0;
}
