// SPDX-License-Identifier: Apache-2.0
// The image is read once: each piece is hashed, summed up and written where it will lie, which is known before, as the
// sizes of all texts are.
#include "package/package_writer.h"

#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"
#include "package/image/chunks.h"
#include "package/image/superblock.h"
#include "package/image/tree_builder.h"
#include "package/package.h"
#include "package/signature.h"
#include "package/zip/archive.h"
#include "package/zip/archive_writer.h"

namespace northstar {
namespace {

constexpr std::uint64_t kBlock = Verity::kBlockSize;
const std::string kCannotWrite = "Cannot write the package";

std::uint64_t paddedSize(const PackageSource& source) { return (source.image.size + kBlock - 1) / kBlock * kBlock; }

Bytes bytesOf(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

std::string signedTextFor(const PackageSource& source, const Sha256& rootHash) {
    return signedText({sha256(source.comment), sha256(source.manifest), rootHash, paddedSize(source)});
}

// What is done with each piece of the image, in any thread.
ChunkSink watched(const WriteOptions& options, const ChunkSink& sink) {
    return [&options, sink](std::uint64_t offset, Bytes data) {
        if (options.stop.stop_requested()) throw Error{Code::Failed, "Interrupted"};
        if (sink) sink(offset, data);
        if (options.progress) options.progress(data.size());
    };
}

BuiltTree treeOf(const PackageSource& source, const WriteOptions& options, const ChunkSink& sink) {
    BuiltTree tree = buildTree(
        source.fd, source.image,
        {.salt = source.salt, .uuid = source.uuid, .threads = options.threads, .sink = watched(options, sink)});
    if (!source.rootHash || *source.rootHash == tree.verity.rootHash) return tree;
    throw Error{Code::Corrupted, "The image does not match the root hash in signature.yaml; get the package again"};
}

// Where the package's parts are written.
struct Output {
    int fd;
    std::uint64_t imageAt;
    PiecewiseCrc crc{};

    // Zeros stay a hole in the file.
    void putImage(std::uint64_t offset, Bytes data) {
        crc.add(offset, data);
        if (!isZero(data)) writeAt(fd, imageAt + offset, data, kCannotWrite);
    }
};

}  // namespace

std::vector<std::uint8_t> saltFor(int fd, Extent image, std::string_view manifest) {
    std::string text = "npk salt 1\n";
    appendLittleEndian(text, std::uint64_t{manifest.size()});
    text += manifest;
    appendLittleEndian(text, image.size);
    const std::uint64_t size = std::min(image.size, kBlock);
    std::vector<std::uint8_t> block(size);
    for (const std::uint64_t at : {image.offset, image.offset + image.size - size}) {
        if (readAt(fd, at, block) != size) throw Error{Code::Failed, "The image became shorter while it was read"};
        text.append(block.begin(), block.end());
    }
    const Sha256 digest = sha256(text);
    return {digest.begin(), digest.end()};
}

PackageSource sourceOf(int fd, const std::string& name) {
    try {
        const Archive archive = readArchive(fd, identify(fd).size);
        if (archive.damage) throw Error{Code::InvalidPackage, *archive.damage};
        PackageSource source{.fd = fd,
                             .image = archive.image,
                             .manifest = archive.manifest,
                             .comment = archive.comment,
                             .salt = {},
                             .uuid = {},
                             .rootHash = {}};
        if (!archive.signature) {
            source.salt = saltFor(fd, source.image, source.manifest);
            return source;
        }
        const auto file = splitSignatureFile(*archive.signature);
        if (!file) throw Error{Code::InvalidSignature, "signature.yaml has not the form of a signature"};
        const SignedHashes hashes = parseSignedHashes(file->signedBytes);
        std::array<std::uint8_t, 512> block{};
        const bool inside = Extent{hashes.verityOffset, block.size()}.within(archive.image.size);
        if (!inside || readAt(fd, archive.image.offset + hashes.verityOffset, block) != block.size()) {
            throw Error{Code::InvalidPackage, "the hash tree is beyond the end of the image"};
        }
        source.salt = parseVeritySuperblock(block, hashes.rootHash, hashes.verityOffset, archive.image.size).salt;
        source.rootHash = hashes.rootHash;
        source.image.size = hashes.verityOffset;
        source.uuid.emplace();
        std::copy_n(block.begin() + 16, source.uuid->size(), source.uuid->begin());
        return source;
    } catch (const Error& error) {
        throw Error{error.code(), "Cannot read the package " + printable(name) + ": " + error.what()};
    }
}

std::string textToSign(const PackageSource& source, const WriteOptions& options) {
    return signedTextFor(source, treeOf(source, options, {}).verity.rootHash);
}

void writePackage(int out, const PackageSource& source, const Signer& sign, const WriteOptions& options) {
    const std::uint64_t padded = paddedSize(source);
    const std::uint64_t imageSize = padded + (sign ? verityOverhead(padded / kBlock) : 0);
    ArchiveTexts texts{source.comment, source.manifest, std::nullopt};
    if (sign) texts.signature = signatureFile(signedTextFor(source, {}), {});  // of the size that it will have
    Output output{out, frameArchive(texts, imageSize, 0).head.size()};
    const auto put = [&output](std::uint64_t offset, Bytes data) { output.putImage(offset, data); };
    if (sign) {
        const BuiltTree tree = treeOf(source, options, put);
        put(padded, tree.blocks);
        const std::string text = signedTextFor(source, tree.verity.rootHash);
        texts.signature = signatureFile(text, sign(text));
    } else {
        readChunks(source.fd, source.image, options.threads, [&] { return watched(options, put); });
    }
    const ArchiveFrame frame = frameArchive(texts, imageSize, output.crc.value());
    writeAt(out, 0, bytesOf(frame.head), kCannotWrite);
    writeAt(out, output.imageAt + imageSize, bytesOf(frame.tail), kCannotWrite);
}

}  // namespace northstar
