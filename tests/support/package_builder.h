// SPDX-License-Identifier: Apache-2.0
// Makes packages for tests: good ones by default, and hostile ones by changing a step in between.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>

#include "package/keys.h"
#include "support/memory_file.h"
#include "support/zip_builder.h"

namespace northstar::test {

// Bytes of the shape of a squashfs image: a superblock, then blocks that all differ. Not to be mounted.
[[nodiscard]] std::string squashfsLike(std::size_t blocks);

struct PackageSpec {
    std::string manifest = "name: hello\nversion: 1.0.0\ninit: /bin/hello\nuid: 1000\ngid: 1000\n";
    std::string comment = "version: 0.9.3\n";
    std::string data = squashfsLike(3);  // the filesystem; a multiple of 4096 bytes
    std::uint64_t holeBlocks = 0;        // blocks of zeros behind the data that take no memory; signed packages only
    std::string salt = "0123456789abcdef0123456789abcdef";  // raw bytes
    std::optional<std::string> key = "golden";  // signs it: tests/data/keys/<key>.key; without: unsigned, no verity

    // Each is called, if set, with what the step before has made.
    std::function<void(std::string& image)> changeImage = {};  // data, superblock, tree; the root hash is taken before
    std::function<void(std::string& yaml)> changeSignedText = {};     // before it is signed
    std::function<void(std::string& yaml)> changeSignatureFile = {};  // after
    std::function<void(ZipSpec& zip)> changeZip = {};
};

// tests/data/keys/<name>.pub of each.
[[nodiscard]] KeyRing keyRing(std::initializer_list<const char*> names);

[[nodiscard]] MemoryFile buildPackage(const PackageSpec& spec);

// Replaces the first occurrence of `from`. Throws std::logic_error if there is none.
void replaceIn(std::string& text, const std::string& from, const std::string& to);

}  // namespace northstar::test
