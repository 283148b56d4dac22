// SPDX-License-Identifier: Apache-2.0
#include "package/inspection.h"

#include "base/error.h"
#include "package/bytes.h"
#include "package/image/superblock.h"
#include "package/package.h"
#include "package/zip/archive.h"

namespace northstar {
namespace {

// Runs one step; what it refuses is a problem of the package.
template <typename Step>
void attempt(Inspection& found, Step step) {
    try {
        step();
    } catch (const Error& error) {
        found.problems.emplace_back(error.what());
    }
}

void compare(Inspection& found, const char* what, const Sha256& actual, const Sha256& expected) {
    if (actual == expected) return;
    found.problems.push_back(std::string{what} +
                             " does not match the hash in signature.yaml: it was changed after signing");
}

void inspectSignature(Inspection& found, const Archive& archive, const KeyRing& keys) {
    const auto file = splitSignatureFile(*archive.signature);
    if (!file) throw Error{Code::InvalidSignature, "signature.yaml has not the form of a signature"};
    if (const PublicKey* key = keys.signer(file->signedBytes, file->signature)) found.signer = key->fingerprint();
    if (found.signer.empty() && !keys.empty()) found.problems.emplace_back("None of the given keys signed it");
    found.claimed = parseSignedHashes(file->signedBytes);
    compare(found, "The archive comment", sha256(archive.comment), found.claimed->comment);
    compare(found, "manifest.yaml", sha256(archive.manifest), found.claimed->manifest);
}

void inspectVerity(Inspection& found, int fd) {
    const std::uint64_t offset = found.claimed->verityOffset;
    std::array<std::uint8_t, 512> block{};
    const bool inside = Extent{offset, block.size()}.within(found.image.size);
    const std::size_t got = inside ? readAt(fd, found.image.offset + offset, block) : 0;
    found.verity = parseVeritySuperblock(Bytes{block}.first(got), found.claimed->rootHash, offset, found.image.size);
}

}  // namespace

Inspection inspectPackage(int fd, const KeyRing& keys) {
    Inspection found;
    found.size = identify(fd).size;
    const Archive archive = readArchive(fd, found.size);
    found.comment = archive.comment;
    found.manifestText = archive.manifest;
    found.image = archive.image;
    found.isSigned = archive.signature.has_value();
    if (archive.damage) found.problems.push_back("Damaged: " + *archive.damage);
    if (found.isSigned) attempt(found, [&] { inspectSignature(found, archive, keys); });
    if (!found.isSigned && !keys.empty()) found.problems.emplace_back("It is not signed");
    if (found.claimed) attempt(found, [&] { inspectVerity(found, fd); });
    attempt(found, [&] { found.manifest = parseManifest(archive.manifest); });
    const std::uint64_t dataSize = found.verity ? found.verity->superblockOffset : found.image.size;
    attempt(found, [&] { found.filesystem = describeFilesystem(fd, {found.image.offset, dataSize}); });
    return found;
}

}  // namespace northstar
