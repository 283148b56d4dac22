// SPDX-License-Identifier: Apache-2.0
// What can be told of a package that need not verify: to be shown to people, never to be acted upon. openPackage() is
// the way to a package that is believed.
#pragma once

#include "base/checked.h"
#include "base/std.h"
#include "package/image/filesystem_info.h"
#include "package/image/superblock.h"
#include "package/keys.h"
#include "package/manifest.h"
#include "package/signature.h"

namespace northstar {

struct Inspection {
    std::uint64_t size = 0;  // of the file, bytes
    std::string comment;     // of the archive: the format version
    std::string manifestText;
    std::optional<Manifest> manifest;  // if it is a good one
    Extent image;                      // fs.img in the file
    std::optional<FilesystemInfo> filesystem;
    bool isSigned = false;                // has a signature.yaml
    std::optional<SignedHashes> claimed;  // what signature.yaml says, whoever wrote it
    std::optional<Verity> verity;         // what the superblock there says, if it fits to that
    std::string signer;                   // fingerprint of the key that signed it, of those given; else empty
    std::vector<std::string> problems;    // what is wrong, one line each; in the order in which a mount would notice
};

// Throws InvalidPackage if it is not even an archive with a package's parts, Failed on a read error.
[[nodiscard]] Inspection inspectPackage(int fd, const KeyRing& keys);

}  // namespace northstar
