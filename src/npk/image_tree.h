// SPDX-License-Identifier: Apache-2.0
// The files of a package's image, taken out by unsquashfs or fsck.erofs. Both are confined, as the image may be
// hostile, and get a copy of it that nobody else can change: if keys are given, of the very bytes that were verified.
#pragma once

#include "base/std.h"
#include "base/unique_fd.h"
#include "npk/commands.h"
#include "npk/confinement.h"
#include "npk/staging.h"
#include "npk/tool.h"
#include "package/image/superblock.h"

namespace northstar::npk {

class ImageTree {
public:
    // Copies the package's image into a directory of its own in the staging. Without keys nothing is verified. Throws
    // InvalidPackage, InvalidSignature, Corrupted, Unsupported (no Landlock), Failed.
    ImageTree(const Common& common, const Staging& staging);

    [[nodiscard]] Filesystem filesystem() const noexcept { return filesystem_; }

    // The lines of unsquashfs -lln, for squashfs only. Throws Failed if it cannot be listed.
    void listSquashfs(const std::function<void(std::string_view piece)>& output) const;

    // Makes the tree, "files" in root(). All is the caller's own, and nothing has set-user-ID or set-group-ID. Device
    // nodes are left out, see missing(). Throws Failed.
    void extract();
    [[nodiscard]] const std::string& root() const noexcept { return root_; }
    [[nodiscard]] bool missing() const noexcept { return missing_; }

private:
    [[nodiscard]] Tool tool(std::vector<std::string> arguments) const;

    const Common& common_;
    std::string root_;  // path of the directory for tools
    UniqueFd directory_;
    Filesystem filesystem_{};
    std::optional<Confinement> confinement_;
    bool missing_ = false;
};

// Writes the package's image, verified if keys are given, into an empty file. Returns what it holds.
Filesystem copyImage(const Common& common, int out);

}  // namespace northstar::npk
