// SPDX-License-Identifier: Apache-2.0
// Any bytes as manifest.yaml: they are read or refused with InvalidPackage, and what was read is fit for a
// path and a mount option.
#include <string>

#include "base/error.h"
#include "fuzz/require.h"
#include "package/manifest.h"

using namespace northstar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const Manifest manifest = parseManifest(std::string{data, data + size});
        require(isContainerName(manifest.name));
        require(Version::parse(manifest.version.text()) == manifest.version);
        require(manifest.uid != 0 && manifest.gid != 0);
        if (manifest.mountContext) require(manifest.mountContext->find_first_of("\"'\\ =\n") == std::string::npos);
    } catch (const Error& error) {
        require(error.code() == Code::InvalidPackage);
    }
    return 0;
}
