// SPDX-License-Identifier: Apache-2.0
// Makes packages: from an image and a manifest, or from another package that is to be signed. package.h reads them.
#pragma once

#include <stop_token>

#include "base/checked.h"
#include "base/std.h"
#include "package/bytes.h"
#include "package/signature_writer.h"

namespace northstar {

// What a package is made of.
struct PackageSource {
    int fd = -1;           // not owned; what the image is read from
    Extent image;          // the filesystem in it, bytes; filled up to a multiple of 4096 in the package
    std::string manifest;  // the text, which parseManifest() takes
    std::string comment = "version: 0.9.3\n";          // the format version
    std::vector<std::uint8_t> salt;                    // of the hash tree, 0 to 256 bytes; see saltFor()
    std::optional<std::array<std::uint8_t, 16>> uuid;  // of the superblock; without: made of salt and root hash
    std::optional<Sha256> rootHash;  // what the tree has to come to, if that is known: else the image is damaged
};

struct WriteOptions {
    unsigned threads = 0;  // 0: one per processor
    std::stop_token stop = {};
    std::function<void(std::uint64_t bytes)> progress = {};  // of the image, since the last call; from several threads
};

// A salt that depends on manifest and image alone, so that packing twice gives the same bytes: 32 bytes, SHA-256 over
// the manifest, the image's size, and its first and last block (a filesystem's superblock and tables). Throws Failed.
[[nodiscard]] std::vector<std::uint8_t> saltFor(int fd, Extent image, std::string_view manifest);

// A package that is there as what to make another one of. An unsigned one gets the salt of saltFor(); a signed one
// keeps its tree's, and its root hash has to come out again, whoever signed it. Throws InvalidPackage, InvalidSignature
// (the signed text is malformed), Corrupted, Failed. `fd` stays the caller's.
[[nodiscard]] PackageSource sourceOf(int fd, const std::string& name);

// The very bytes that a signature of the package signs; reads the whole image. Throws Corrupted (`rootHash` is
// another), Failed (also when stopped), CapacityExceeded.
[[nodiscard]] std::string textToSign(const PackageSource& source, const WriteOptions& options);

// Writes the package into an empty file. `sign` is given the bytes that textToSign() tells and may throw; without it
// the package is unsigned and has no hash tree. Throws as textToSign().
using Signer = std::function<Signature(const std::string& text)>;
void writePackage(int out, const PackageSource& source, const Signer& sign, const WriteOptions& options);

}  // namespace northstar
