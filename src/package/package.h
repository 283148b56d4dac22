// SPDX-License-Identifier: Apache-2.0
// An opened package: one descriptor, and what was read and checked through it. No kernel device here.
#pragma once

#include "base/checked.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "package/descriptor.h"
#include "package/image/superblock.h"
#include "package/keys.h"
#include "package/manifest.h"

namespace northstar {

enum class SignaturePolicy {
    Required,  // one of the keys must have signed it, else InvalidSignature
    Optional,  // verified if one of the keys signed it, else opened as unverified
};

struct Package {
    UniqueFd fd;            // the package file, read-only use
    FileIdentity identity;  // when it was opened
    std::string format;     // format version, "0.9.3"
    Manifest manifest;
    Extent image;  // fs.img inside the file, offset a multiple of 4096
    Filesystem filesystem{};
    bool isSigned = false;         // has a signature.yaml, whoever made it
    std::optional<Verity> verity;  // set exactly if one of the keys signed it: the package is verified
    std::string signer;            // fingerprint of that key, else empty

    [[nodiscard]] bool verified() const noexcept { return verity.has_value(); }

    // Bytes of the image that hold the filesystem: up to the verity superblock if verified, else all of it.
    [[nodiscard]] std::uint64_t dataSize() const noexcept { return verity ? verity->superblockOffset : image.size; }
};

// Reads and checks a package through the descriptor: archive, format version, signature, then manifest and
// verity superblock. Blocks on file I/O; constant time in the image's size. `name` is what messages call the
// file. Throws InvalidPackage, InvalidSignature, Corrupted (what was signed is damaged), Failed.
[[nodiscard]] Package openPackage(UniqueFd fd, const KeyRing& keys, SignaturePolicy policy, const std::string& name);

}  // namespace northstar
