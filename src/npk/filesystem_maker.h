// SPDX-License-Identifier: Apache-2.0
// Makes the image of a directory, by mksquashfs or mkfs.erofs.
#pragma once

#include "base/std.h"
#include "npk/commands.h"

namespace northstar::npk {

// The command line that makes `image` of the directory. With SOURCE_DATE_EPOCH set the same directory gives the same
// bytes: no time of now, no random uuid, no extended attributes (labels of this machine, and capabilities that a mount
// ignores). `seed`: a text of which the uuid of an erofs image is made. Throws InvalidArgs for what the filesystem does
// not have.
[[nodiscard]] std::vector<std::string> makerArguments(const PackOptions& options, const std::string& image,
                                                      std::string_view seed, unsigned jobs,
                                                      const std::vector<std::string>& deviceNodes);

// Runs it; without a SOURCE_DATE_EPOCH with the latest time of a file. Throws Failed, Interrupted.
void makeImage(const Common& common, const PackOptions& options, const std::string& image, std::string_view seed);

}  // namespace northstar::npk
