// SPDX-License-Identifier: Apache-2.0
// From a descriptor to a package. The order matters: what somebody signed is read only after the signature
// was good, and from the very bytes that the signature covers.
#include "package/package.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

#include "base/error.h"
#include "package/bytes.h"
#include "package/container_name.h"
#include "package/image/hash_tree.h"
#include "package/signature.h"
#include "package/zip/archive.h"

namespace northstar {
namespace {

struct stat statusOf(int fd) {
    struct stat status{};
    if (::fstat(fd, &status) != 0) throwErrno(Code::Failed, "Cannot look at the package's descriptor", errno);
    return status;
}

bool equal(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

[[noreturn]] void refuse(const std::string& what) {
    throw Error{Code::InvalidArgs,
                "The descriptor " + what + ": pass a package file that was opened for reading, or a memfd"};
}

void checkType(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFREG: return;
        case S_IFDIR: refuse("is a directory");
        case S_IFSOCK: refuse("is a socket");
        case S_IFIFO: refuse("is a pipe");
        case S_IFCHR: refuse("is a character device");
        case S_IFBLK: refuse("is a block device");
        case S_IFLNK: refuse("is a symbolic link");
        default: refuse("is no file");  // epoll, eventfd and the like have no type
    }
}

// Written as YAML by the packer, but taken by its one form: nobody has checked it yet. Below 0.9 packages
// look different; a new major version may change everything.
std::string parseFormat(const std::string& comment) {
    constexpr std::string_view kKey = "version: ";
    std::string_view text = comment;
    if (text.ends_with('\n')) text.remove_suffix(1);
    std::optional<Version> version;
    if (text.starts_with(kKey)) version = Version::parse(text.substr(kKey.size()));
    if (!version) throw Error{Code::InvalidPackage, "The archive comment is not a format version, \"version: 0.9.3\""};
    const bool supported = version->major == 0 && version->minor >= 9 && version->prerelease.empty();
    if (!supported) {
        throw Error{Code::InvalidPackage,
                    "Format version " + version->text() + " is not supported; 0.9.0 and later, below 1.0.0, are"};
    }
    return version->text();
}

struct Verified {
    SignedHashes hashes;
    std::string signer;
};

[[noreturn]] void refuseSigner(const KeyRing& keys) {
    std::string tried;
    for (const std::string& fingerprint : keys.fingerprints()) tried += (tried.empty() ? "" : ", ") + fingerprint;
    throw Error{Code::InvalidSignature,
                keys.empty() ? "no key is configured that could have signed it; configure the signer's public key"
                             : "none of the configured keys signed it (tried " + tried +
                                   "); configure the signer's public key or get a package signed with one of these"};
}

void expectSigned(const char* what, const Sha256& actual, const Sha256& expected) {
    if (actual == expected) return;
    throw Error{Code::InvalidSignature,
                std::string{what} + " does not match what was signed; it was changed after signing"};
}

// nullopt if no key signed it and none has to.
std::optional<Verified> checkSignature(const Archive& archive, const KeyRing& keys, SignaturePolicy policy) {
    const bool required = policy == SignaturePolicy::Required;
    if (!archive.signature) {
        if (required) throw Error{Code::InvalidSignature, "it is not signed, but a signature is required"};
        return std::nullopt;
    }
    const auto file = splitSignatureFile(*archive.signature);
    if (!file) {
        if (required) throw Error{Code::InvalidSignature, "signature.yaml has not the form of a signature"};
        return std::nullopt;
    }
    const PublicKey* key = keys.signer(file->signedBytes, file->signature);
    if (key == nullptr) {
        if (required) refuseSigner(keys);
        return std::nullopt;
    }
    // From here on it claims to be ours, so what does not match was tampered with, whatever the policy is.
    Verified verified{parseSignedHashes(file->signedBytes), key->fingerprint()};
    expectSigned("the archive comment", sha256(archive.comment), verified.hashes.comment);
    expectSigned("manifest.yaml", sha256(archive.manifest), verified.hashes.manifest);
    return verified;
}

Verity readVerity(int fd, Extent image, const SignedHashes& hashes) {
    std::array<std::uint8_t, 512> superblock{};
    const bool inside = Extent{hashes.verityOffset, superblock.size()}.within(image.size);
    if (inside && readAt(fd, image.offset + hashes.verityOffset, superblock) != superblock.size()) {
        throw Error{Code::InvalidPackage, "the file became shorter while it was read"};
    }
    return parseVeritySuperblock(superblock, hashes.rootHash, hashes.verityOffset, image.size);
}

Filesystem filesystemOf(const Package& package) {
    const int fd = package.fd.get();
    const Extent data{package.image.offset, package.dataSize()};
    try {
        const Filesystem found = readFilesystem(fd, data);
        // A squashfs superblock names nothing outside the image, so it can wait for dm-verity.
        if (found == Filesystem::Squashfs || !package.verity) return found;
    } catch (const Error&) {
        if (!package.verity) throw;
    }
    // Judged by the very bytes that the root hash vouches for: the file may show others for a moment.
    return parseFilesystem(HashTree::readFirstBlock(fd, package.image, *package.verity), data.size);
}

// The same inode: whatever has the path by now is not looked at.
UniqueFd openAnew(int fd) {
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    return UniqueFd{::open(link.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
}

Package open(UniqueFd fd, const KeyRing& keys, SignaturePolicy policy) {
    checkPackageDescriptor(fd.get());
    Package package;
    package.fd = std::move(fd);
    package.identity = identify(package.fd.get());
    const Archive archive = readArchive(package.fd.get(), package.identity.size);
    package.format = parseFormat(archive.comment);
    package.image = archive.image;
    package.isSigned = archive.signature.has_value();
    if (auto verified = checkSignature(archive, keys, policy)) {
        package.verity = readVerity(package.fd.get(), package.image, verified->hashes);
        package.signer = std::move(verified->signer);
    }
    if (archive.damage) throw Error{Code::InvalidPackage, "Not a package archive: " + *archive.damage};
    package.manifest = parseManifest(archive.manifest);
    package.filesystem = filesystemOf(package);
    return package;
}

}  // namespace

bool FileIdentity::operator==(const FileIdentity& other) const noexcept {
    return device == other.device && inode == other.inode && size == other.size && equal(modified, other.modified) &&
           equal(changed, other.changed);
}

FileIdentity identify(const struct stat& status) noexcept {
    return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size), status.st_mtim, status.st_ctim};
}

FileIdentity identify(int fd) { return identify(statusOf(fd)); }

UniqueFd openPackageFile(const std::string& path) {
    const auto fail = [&](int error) { throwErrno(Code::Failed, "Cannot open the package " + printable(path), error); };
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_NO_MAGICLINKS;
    const UniqueFd place{static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how))};
    if (!place) fail(errno);
    const mode_t mode = statusOf(place.get()).st_mode;
    if (!S_ISREG(mode)) {
        throw Error{Code::InvalidArgs, fmt::format("Cannot open the package {}: it is {}", printable(path),
                                                   S_ISDIR(mode) ? "a directory" : "no regular file")};
    }
    UniqueFd file = openAnew(place.get());
    if (!file) fail(errno);
    return file;
}

UniqueFd reopenPackageFile(int fd) {
    checkPackageDescriptor(fd);
    UniqueFd file = openAnew(fd);
    if (!file) throwErrno(Code::Failed, "Cannot open the descriptor's file anew for reading", errno);
    return file;
}

void checkPackageDescriptor(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0) refuse("is not open");
    checkType(statusOf(fd).st_mode);
    if ((flags & O_PATH) != 0) refuse("was opened with O_PATH and cannot be read");
    if ((flags & O_ACCMODE) == O_WRONLY) refuse("was opened for writing only");
    // Its reads would have to be aligned to the device's blocks.
    if ((flags & O_DIRECT) != 0) refuse("was opened with O_DIRECT");
}

Package openPackage(UniqueFd fd, const KeyRing& keys, SignaturePolicy policy, const std::string& name) {
    try {
        return open(std::move(fd), keys, policy);
    } catch (const Error& error) {
        throw Error{error.code(), "Cannot open the package " + printable(name) + ": " + error.what()};
    }
}

}  // namespace northstar
