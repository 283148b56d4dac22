// SPDX-License-Identifier: Apache-2.0
// ls and unpack: what is in a package's image.
#include <fmt/format.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "base/error.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "npk/commands.h"
#include "npk/image_tree.h"
#include "npk/listing.h"
#include "npk/staging.h"
#include "package/image/superblock.h"

namespace northstar::npk {
namespace {

void warnUnverified(const Common& common) {
    if (common.keys.empty()) std::cerr << "npk: not verified: no --key was given\n";
}

// Where large things may lie for a while: $TMPDIR.
std::string temporaryName() {
    const char* folder = std::getenv("TMPDIR");
    return std::string{folder != nullptr && *folder != '\0' ? folder : "/tmp"} + "/npk";
}

std::string onlyPath(std::string path) {
    const std::size_t first = path.find_first_not_of('/');
    if (first == std::string::npos) return "";
    path = path.substr(first, path.find_last_not_of('/') - first + 1);
    return path == "." ? "" : path;
}

}  // namespace

void list(const Common& common, const std::string& path) {
    warnUnverified(common);
    const Staging staging{temporaryName()};
    ImageTree tree{common, staging};
    Listing listing{onlyPath(path)};
    if (tree.filesystem() == Filesystem::Squashfs) {
        tree.listSquashfs([&listing](std::string_view piece) { listing.addLines(piece); });
    } else {
        tree.extract();
        listing.addTree(tree.root() + "/files");
    }
    if (!listing.print(std::cout)) {
        throw Error{Code::Failed, "There is no " + printable(path) + " in " + printable(common.file)};
    }
}

void unpack(const Common& common, const UnpackOptions& options) {
    warnUnverified(common);
    const std::string& destination = options.destination;
    const Staging staging{destination};
    if (options.image) {
        const UniqueFd file = staging.create("image");
        static_cast<void>(copyImage(common, file.get()));
        staging.publish("image", destination, RENAME_NOREPLACE);
        return;
    }
    if (::access(destination.c_str(), F_OK) == 0 && ::rmdir(destination.c_str()) != 0) {
        throwErrno(Code::Failed, "Cannot unpack into " + printable(destination) + ", which has to be new or empty",
                   errno);
    }
    ImageTree tree{common, staging};
    tree.extract();
    if (common.stop.stop_requested()) throw Error{Code::Failed, "Interrupted"};
    staging.publish("tree/files", destination, RENAME_NOREPLACE);
    if (tree.missing()) {
        std::cerr << "npk: left out of " << printable(destination) << ": device nodes, which nobody could use there\n";
    }
}

}  // namespace northstar::npk
