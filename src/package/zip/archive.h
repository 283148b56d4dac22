// SPDX-License-Identifier: Apache-2.0
// The ZIP archive that a package is, read strictly. Internal to src/package.
//
// A ZIP file can hide bytes between its parts, list an entry twice and describe one entry in two ways. Here
// the parts have to follow each other without a gap from the first byte to the last, and both descriptions
// have to agree: manifest.yaml, [signature.yaml], fs.img, central directory, end record, comment.
//
// By hand, as it takes less than to check what a library says of it: minizip shows neither gaps nor the names and zip64
// sizes in local headers, and reads an archive that ends elsewhere. Of ZIP's formats only what the packer writes is
// known here. The CRC is zlib's.
#pragma once

#include "base/checked.h"
#include "base/std.h"

namespace northstar {

struct Archive {
    std::string comment;   // at most 1 KiB: it holds a version
    std::string manifest;  // at most 1 MiB each
    std::optional<std::string> signature;
    // Why the texts above were damaged, if their CRC says so. Only reported here: where a signature is required its
    // failure tells more.
    std::optional<std::string> damage;
    Extent image;  // fs.img inside the file; the offset is a multiple of 4096
};

// Reads the archive in a file of `fileSize` bytes; of fs.img nothing is read. The descriptor's file offset
// stays. Throws InvalidPackage, Failed on a read error.
[[nodiscard]] Archive readArchive(int fd, std::uint64_t fileSize);

}  // namespace northstar
