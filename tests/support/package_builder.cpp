// SPDX-License-Identifier: Apache-2.0
#include "support/package_builder.h"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <stdexcept>

#include "support/test_data.h"

namespace northstar::test {
namespace {

constexpr std::size_t kBlock = 4096;

std::string sha256(const std::string& bytes) {
    std::array<unsigned char, 32> digest{};
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
        throw std::runtime_error{"EVP_Digest"};
    }
    return {digest.begin(), digest.end()};
}

std::string hex(const std::string& bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += kDigits[byte / 16U];
        text += kDigits[byte % 16U];
    }
    return text;
}

std::string sign(const std::string& key, const std::string& message) {
    const std::string seed = readData("keys/" + key + ".key");
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> privateKey{
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(seed.data()),
                                     seed.size()),
        EVP_PKEY_free};
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    std::array<unsigned char, 64> signature{};
    std::size_t size = signature.size();
    if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, privateKey.get()) != 1 ||
        EVP_DigestSign(context.get(), signature.data(), &size, reinterpret_cast<const unsigned char*>(message.data()),
                       message.size()) != 1) {
        throw std::runtime_error{"EVP_DigestSign"};
    }
    std::array<unsigned char, 89> base64{};
    EVP_EncodeBlock(base64.data(), signature.data(), static_cast<int>(size));
    return {base64.begin(), base64.end() - 1};
}

std::string le(std::uint64_t value, std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>((value >> (8 * i)) & 0xff);
    return text;
}

std::string padded(std::string text, std::size_t size) {
    text.resize(size, '\0');
    return text;
}

struct Tree {
    std::string blocks;  // top level first
    std::string root;
};

// Written level by level, independently of how the code under test reads it.
Tree hashTree(std::string level, std::uint64_t holeBlocks, const std::string& salt) {
    const std::string ofHole = sha256(salt + std::string(kBlock, '\0'));
    Tree tree;
    while (true) {
        std::string digests;
        for (std::size_t at = 0; at < level.size(); at += kBlock) digests += sha256(salt + level.substr(at, kBlock));
        for (; holeBlocks > 0; --holeBlocks) digests += ofHole;
        if (digests.size() == 32) return {tree.blocks, digests};
        level = padded(digests, (digests.size() + kBlock - 1) / kBlock * kBlock);
        tree.blocks = level + tree.blocks;
    }
}

std::string superblock(std::uint64_t dataBlocks, const std::string& salt) {
    return padded(padded("verity", 8) + le(1, 4) + le(1, 4) + std::string(16, 'u') + padded("sha256", 32) +
                      le(kBlock, 4) + le(kBlock, 4) + le(dataBlocks, 8) + le(salt.size(), 2) + le(0, 6) + salt,
                  kBlock);
}

}  // namespace

std::string squashfsLike(std::size_t blocks) {
    std::string data;
    for (std::size_t block = 0; block < blocks; ++block) data += padded("block " + std::to_string(block), kBlock);
    // fs/squashfs/squashfs_fs.h: magic, ..., version at 28, bytes used at 40
    const std::string head = "hsqs" + std::string(24, '\1') + le(4, 2) + le(0, 2) + le(0, 8) + le(data.size(), 8);
    return data.replace(0, head.size(), head);
}

KeyRing keyRing(std::initializer_list<const char*> names) {
    KeyRing ring;
    for (const char* name : names) ring.add(loadPublicKey(dataPath(std::string{"keys/"} + name + ".pub")));
    return ring;
}

MemoryFile buildPackage(const PackageSpec& spec) {
    ZipSpec zip;
    zip.comment = spec.comment;
    zip.entries.push_back({.name = "manifest.yaml", .content = spec.manifest});
    std::string image = spec.data, behindHole;
    const std::uint64_t dataSize = spec.data.size() + spec.holeBlocks * kBlock;
    if (spec.key) {
        const Tree tree = hashTree(spec.data, spec.holeBlocks, spec.salt);
        (spec.holeBlocks == 0 ? image : behindHole) += superblock(dataSize / kBlock, spec.salt) + tree.blocks;
        std::string text =
            "meta:\n  hash: " + hex(sha256(spec.comment)) + "\nmanifest.yaml:\n  hash: " + hex(sha256(spec.manifest)) +
            "\nfs.img:\n  verity-hash: " + hex(tree.root) + "\n  verity-offset: " + std::to_string(dataSize) + "\n";
        if (spec.changeSignedText) spec.changeSignedText(text);
        text += "---\nsignature: " + sign(*spec.key, text);
        if (spec.changeSignatureFile) spec.changeSignatureFile(text);
        zip.entries.push_back({.name = "signature.yaml", .content = text});
    }
    if (spec.changeImage) spec.changeImage(image);
    zip.entries.push_back({.name = "fs.img",
                           .content = image,
                           .hole = spec.holeBlocks * kBlock,
                           .alignment = kBlock,
                           .behindHole = behindHole});
    if (spec.changeZip) spec.changeZip(zip);
    return writeZip(zip);
}

void replaceIn(std::string& text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos) throw std::logic_error{"no '" + from + "' in what is to be changed"};
    text.replace(at, from.size(), to);
}

}  // namespace northstar::test
