// SPDX-License-Identifier: Apache-2.0
// A package that one of the given keys signed, and its image.
#pragma once

#include "base/error.h"
#include "base/std.h"
#include "npk/commands.h"
#include "package/image/hash_tree.h"
#include "package/package.h"

namespace northstar::npk {

// Does something with the package, and has what it throws begin with "Cannot <verb> <file>: ".
template <typename Work>
auto about(const std::string& file, const char* verb, Work work) {
    try {
        return work();
    } catch (const Error& error) {
        throw Error{error.code(), std::string{"Cannot "} + verb + " " + printable(file) + ": " + error.what()};
    }
}

// Throws InvalidPackage, InvalidSignature, Corrupted, Failed.
[[nodiscard]] Package openVerified(const Common& common);

// Checks every block of the image against the tree; the sink gets the very bytes that were checked, see
// HashTree::verifyData().
void checkImage(const Common& common, const Package& package, const HashTree::Sink& sink);

}  // namespace northstar::npk
