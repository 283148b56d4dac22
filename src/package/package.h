// SPDX-License-Identifier: Apache-2.0
// Packages: opening the file that a caller names or gives, and what was read and checked through its one descriptor. No
// kernel device here.
#pragma once

#include <sys/types.h>
#include <time.h>

#include "base/checked.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "package/image/superblock.h"
#include "package/keys.h"
#include "package/manifest.h"

namespace northstar {

// What a file was when it was looked at. Equal identities mean the same bytes, for files that only
// well-behaved writers touch (a cache key, never a proof).
struct FileIdentity {
    dev_t device = 0;
    ino_t inode = 0;
    std::uint64_t size = 0;  // bytes
    timespec modified{}, changed{};

    bool operator==(const FileIdentity& other) const noexcept;
};

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

[[nodiscard]] FileIdentity identify(const struct stat& status) noexcept;
// Throws Failed if the descriptor cannot be asked.
[[nodiscard]] FileIdentity identify(int fd);

// Opens a regular file for reading, and nothing else: to open a device can do things (start a watchdog, rewind a tape),
// and to open a FIFO can wait. Follows symlinks, but no magic link: /proc/PID/fd/N would be opened with our rights.
// Blocks. Throws InvalidArgs for what is no file, Failed.
[[nodiscard]] UniqueFd openPackageFile(const std::string& path);

// Refuses what is no package file: O_PATH or write-only descriptors, directories, sockets, pipes, devices.
// Throws InvalidArgs saying what it is and what to pass instead.
void checkPackageDescriptor(int fd);

// The file of a caller's descriptor, which is checked as above, opened for reading by ourselves: the caller can change
// the flags of its own (fcntl(2), F_SETFL) while we read. Throws InvalidArgs, Failed.
[[nodiscard]] UniqueFd reopenPackageFile(int fd);

// Reads and checks a package through the descriptor: archive, format version, signature, then manifest and
// verity superblock. Blocks on file I/O; constant time in the image's size. `name` is what messages call the
// file. Throws InvalidPackage, InvalidSignature, Corrupted (what was signed is damaged), Failed.
[[nodiscard]] Package openPackage(UniqueFd fd, const KeyRing& keys, SignaturePolicy policy, const std::string& name);

}  // namespace northstar
