// SPDX-License-Identifier: Apache-2.0
// What ls prints: a line each with mode, size in bytes and path, and where a symbolic link points to; sorted by path.
#pragma once

#include <iosfwd>

#include "base/std.h"

namespace northstar::npk {

struct ListedFile {
    std::string mode;  // as ls(1) writes it: "-rwxr-xr-x"
    std::string size;  // bytes; of a device its numbers
    std::string path;  // from the image's root, beginning with "/"; of a link with " -> TARGET"
};

// A line of `unsquashfs -lln`; nullopt if it is none.
[[nodiscard]] std::optional<ListedFile> parseSquashfsLine(const std::string& line);

class Listing {
public:
    // `path`: without slashes at its ends; empty: everything. What is there is listed with all that is in it.
    explicit Listing(std::string path) : path_{std::move(path)} {}

    // The output of `unsquashfs -lln`, in pieces.
    void addLines(std::string_view piece);
    // A directory of this machine, as the root. Throws Failed.
    void addTree(const std::string& root);

    // False if there was nothing.
    bool print(std::ostream& out);

private:
    void add(ListedFile file);

    std::string path_, rest_;
    std::vector<ListedFile> files_;
};

}  // namespace northstar::npk
