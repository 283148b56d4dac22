// SPDX-License-Identifier: Apache-2.0
// pack and sign: what writes a package.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "base/error.h"
#include "base/hex.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "npk/commands.h"
#include "npk/filesystem_maker.h"
#include "npk/keys.h"
#include "npk/progress.h"
#include "npk/staging.h"
#include "package/image/superblock.h"
#include "package/key_file.h"
#include "package/manifest.h"
#include "package/package.h"
#include "package/package_writer.h"
#include "package/signature.h"
#include "package/signature_writer.h"
#include "package/signing_key.h"

namespace northstar::npk {
namespace {

constexpr const char* kImageFile = "image";
constexpr const char* kPackageFile = "package";

// A manifest that is wrong is a mistake of whoever packs, not a package that does not verify.
Manifest checkManifest(const std::string& path, const std::string& text) {
    try {
        return parseManifest(text);
    } catch (const Error& error) {
        throw Error{Code::Failed, "Cannot use the manifest " + printable(path) + ": " + error.what()};
    }
}

std::string realPath(const std::string& path) {
    const std::unique_ptr<char, decltype(&::free)> real{::realpath(path.c_str(), nullptr), ::free};
    if (real == nullptr) throwErrno(Code::Failed, "Cannot look at " + printable(path), errno);
    return real.get();
}

void checkDirectory(const std::string& directory, const std::string& output) {
    struct stat status{};
    if (::stat(directory.c_str(), &status) != 0) throwErrno(Code::Failed, "Cannot pack " + printable(directory), errno);
    if (!S_ISDIR(status.st_mode)) {
        throw Error{Code::Failed,
                    "Cannot pack " + printable(directory) + ": it is no directory; --image takes an image"};
    }
    const std::string inside = realPath(directory), outside = realPath(directoryOf(output));
    if (outside == inside || inside == "/" || outside.starts_with(inside + "/")) {
        throw Error{Code::Failed, "Cannot write " + printable(output) +
                                      " into the directory that is packed: choose another place with --output"};
    }
}

std::uint64_t sizeOf(int fd) {
    struct stat status{};
    if (::fstat(fd, &status) != 0) throwErrno(Code::Failed, "Cannot look at the image", errno);
    return static_cast<std::uint64_t>(status.st_size);
}

UniqueFd openImage(const std::string& path) {
    UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!fd) throwErrno(Code::Failed, "Cannot open the image " + printable(path), errno);
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        throw Error{Code::Failed, "Cannot use the image " + printable(path) + ": it is no regular file"};
    }
    try {
        static_cast<void>(readFilesystem(fd.get(), {0, sizeOf(fd.get())}));
    } catch (const Error& error) {
        throw Error{Code::Failed, "Cannot use the image " + printable(path) + ": " + error.what()};
    }
    return fd;
}

// Makes the package in the staging directory and gives it its name.
void write(const Common& common, const Staging& staging, const PackageSource& source, const Signer& signer,
           const std::string& output) {
    Progress progress{common.form(), "writing", source.image.size};
    const WriteOptions options{.threads = common.jobs,
                               .stop = common.stop,
                               .progress = [&progress](std::uint64_t bytes) { progress.add(bytes); }};
    const UniqueFd file = staging.create(kPackageFile);
    writePackage(file.get(), source, signer, options);
    if (::fsync(file.get()) != 0) throwErrno(Code::Failed, "Cannot write the package", errno);
    if (common.stop.stop_requested()) throw Error{Code::Failed, "Interrupted"};
    staging.publish(kPackageFile, output);
}

std::vector<std::uint8_t> parseSalt(const std::string& text) {
    auto salt = fromHex(text);
    if (!salt || salt->size() > 256) {
        throw Error{Code::InvalidArgs, "The salt is no hexadecimal number of at most 256 bytes"};
    }
    return *std::move(salt);
}

// A signature that somebody else made: 64 bytes, or their base64.
Signature readSignature(const std::string& path, const std::string& text) {
    const std::string file = readSmallFile(path, "Cannot read the signature");
    Signature signature{};
    if (file.size() == signature.size()) {
        std::ranges::copy(file, signature.begin());
        return signature;
    }
    // As the reader of packages sees it.
    const std::string whole = text + "---\nsignature: " + file;
    const auto parsed = splitSignatureFile(whole);
    if (!parsed) {
        throw Error{Code::Failed,
                    "Cannot use the signature " + printable(path) + ": it is neither 64 bytes nor their base64"};
    }
    return parsed->signature;
}

Signer signerOf(const Common& common, const SignOptions& options) {
    if (options.signature.empty()) {
        return [key = std::make_shared<SigningKey>(signingKey(common))](const std::string& text) {
            return key->sign(text);
        };
    }
    return [key = loadAnyPublicKey(common.keys.at(0)), path = options.signature](const std::string& text) {
        const Signature signature = readSignature(path, text);
        if (key.verifies(text, signature)) return signature;
        throw Error{Code::InvalidSignature,
                    "The signature " + printable(path) +
                        " is not one of this package by the given key; sign what --to-sign prints"};
    };
}

}  // namespace

void pack(const Common& common, const PackOptions& options) {
    PackageSource source;
    source.manifest = readSmallFile(options.manifest, "Cannot read the manifest");
    const Manifest manifest = checkManifest(options.manifest, source.manifest);
    const std::string output =
        common.output.empty() ? manifest.name + "-" + manifest.version.text() + ".npk" : common.output;
    std::vector<std::uint8_t> salt;
    if (options.salt) salt = parseSalt(*options.salt);
    const Signer signer = common.keys.empty() ? Signer{} : signerOf(common, {});
    if (options.image.empty()) checkDirectory(options.directory, output);

    const Staging staging{output};
    UniqueFd image;
    if (options.image.empty()) {
        makeImage(common, options, staging / kImageFile, source.manifest);
        image = openImage(staging / kImageFile);
    } else {
        image = openImage(options.image);
    }
    source.fd = image.get();
    source.image = {0, sizeOf(image.get())};
    source.salt = options.salt ? salt : saltFor(image.get(), source.image, source.manifest);
    write(common, staging, source, signer, output);
    std::cout << output << '\n';
}

void sign(const Common& common, const SignOptions& options) {
    const UniqueFd package = openPackageFile(common.file);
    const PackageSource source = sourceOf(package.get(), common.file);
    static_cast<void>(parseManifest(source.manifest));
    if (options.toSign) {
        Progress progress{common.form(), "reading", source.image.size};
        std::cout << textToSign(source, {.threads = common.jobs,
                                         .stop = common.stop,
                                         .progress = [&progress](std::uint64_t bytes) { progress.add(bytes); }});
        return;
    }
    const Signer signer = signerOf(common, options);
    const std::string output = common.output.empty() ? realPath(common.file) : common.output;
    write(common, Staging{output}, source, signer, output);
}

}  // namespace northstar::npk
