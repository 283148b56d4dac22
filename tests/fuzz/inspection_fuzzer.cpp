// SPDX-License-Identifier: Apache-2.0
// A package that need not verify: shown, and taken for one that is to be signed.
#include <string_view>

#include "base/error.h"
#include "fuzz/require.h"
#include "package/inspection.h"
#include "package/package_writer.h"
#include "package/signature.h"
#include "package/signature_writer.h"
#include "support/memory_file.h"
#include "support/package_builder.h"

using namespace northstar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const test::MemoryFile file{{reinterpret_cast<const char*>(data), size}};
    try {
        const Inspection found = inspectPackage(file.fd(), test::keyRing({"golden"}));
        require(found.image.within(size));
        require(!found.verity || found.claimed);
        require(found.signer.empty() || found.isSigned);
        if (found.claimed) {
            // What is written is what is read.
            const SignedHashes again = parseSignedHashes(signedText(*found.claimed));
            require(again.rootHash == found.claimed->rootHash && again.verityOffset == found.claimed->verityOffset);
        }
    } catch (const Error&) {
        // Refused, as most inputs are.
    }
    try {
        const PackageSource source = sourceOf(file.fd(), "fuzz");
        require(source.image.within(size));
        static_cast<void>(textToSign(source, {.threads = 1}));
    } catch (const Error&) {
        // Refused.
    }
    return 0;
}
