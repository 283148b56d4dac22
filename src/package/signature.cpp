// SPDX-License-Identifier: Apache-2.0
#include "package/signature.h"

#include <openssl/evp.h>

#include "base/error.h"
#include "base/hex.h"
#include "package/image/superblock.h"
#include "package/yaml/yaml_reader.h"

namespace northstar {
namespace {

constexpr std::size_t kBase64Size = 88;  // of 64 bytes
const std::string kSignature = "signature.yaml";

// Strips blanks and line ends from both sides.
std::string_view trim(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string_view unquote(std::string_view text) {
    const bool quoted =
        text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.front() == text.back();
    return quoted ? text.substr(1, text.size() - 2) : text;
}

// OpenSSL decodes leniently (it skips blanks, and bits that the padding leaves over), so what it made of the
// text is encoded again and compared: there is exactly one text for a signature.
std::optional<std::array<std::uint8_t, 64>> decode(std::string_view text) {
    if (text.size() != kBase64Size) return std::nullopt;
    const auto* input = reinterpret_cast<const unsigned char*>(text.data());
    std::array<unsigned char, 66> decoded{};  // whole groups of three: 64 bytes and two of padding
    if (EVP_DecodeBlock(decoded.data(), input, kBase64Size) != static_cast<int>(decoded.size())) return std::nullopt;
    std::array<std::uint8_t, 64> bytes{};
    std::copy_n(decoded.begin(), bytes.size(), bytes.begin());
    std::array<unsigned char, kBase64Size + 1> encoded{};
    EVP_EncodeBlock(encoded.data(), bytes.data(), static_cast<int>(bytes.size()));
    if (text != std::string_view{reinterpret_cast<const char*>(encoded.data()), kBase64Size}) return std::nullopt;
    return bytes;
}

Sha256 parseHash(const YamlMap& map, std::string_view key) {
    const auto bytes = fromHex(map.text(key));
    Sha256 hash{};
    if (!bytes || bytes->size() != hash.size()) map.refuse(key, "is not 64 hexadecimal digits");
    std::copy(bytes->begin(), bytes->end(), hash.begin());
    return hash;
}

SignedHashes parse(const std::string& text) {
    const YamlNode root = readYaml(text, kSignature);
    const YamlMap map{root, kSignature, {"meta", "manifest.yaml", "fs.img"}};
    const YamlMap meta{map.require("meta"), kSignature + " at meta", {"hash"}};
    const YamlMap manifest{map.require("manifest.yaml"), kSignature + " at manifest.yaml", {"hash"}};
    const YamlMap image{map.require("fs.img"), kSignature + " at fs.img", {"verity-hash", "verity-offset"}};
    SignedHashes hashes;
    hashes.comment = parseHash(meta, "hash");
    hashes.manifest = parseHash(manifest, "hash");
    hashes.rootHash = parseHash(image, "verity-hash");
    hashes.verityOffset = image.number("verity-offset");
    if (hashes.verityOffset == 0 || hashes.verityOffset % Verity::kBlockSize != 0) {
        image.refuse("verity-offset", "is not a positive multiple of 4096");
    }
    return hashes;
}

}  // namespace

// The part behind "---" is not signed, so whoever sends a package chooses each byte of it. It is matched against the
// one form that the packer writes, and never handed to a YAML parser, which is far too much code to show to strangers.
std::optional<SignatureFile> splitSignatureFile(std::string_view text) {
    constexpr std::string_view kSeparator = "\n---";
    constexpr std::string_view kKey = "signature:";
    const std::size_t at = text.find(kSeparator);
    if (at == std::string_view::npos) return std::nullopt;
    std::string_view rest = text.substr(at + kSeparator.size());
    if (!rest.starts_with('\n') && !rest.starts_with("\r\n")) return std::nullopt;
    rest = trim(rest);
    if (!rest.starts_with(kKey)) return std::nullopt;
    const auto signature = decode(unquote(trim(rest.substr(kKey.size()))));
    if (!signature) return std::nullopt;
    return SignatureFile{text.substr(0, at + 1), *signature};
}

SignedHashes parseSignedHashes(std::string_view signedBytes) {
    try {
        return parse(std::string{signedBytes});
    } catch (const Error& error) {
        throw Error{Code::InvalidSignature, error.what()};
    }
}

}  // namespace northstar
