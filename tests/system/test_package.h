// SPDX-License-Identifier: Apache-2.0
// A package of tests/data, copied to where a test may change it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/checked.h"
#include "base/unique_fd.h"
#include "kernel/kernel.h"

namespace northstar {

struct TestPackage {
    std::string file;                                  // the copy
    UniqueFd fd;                                       // read-only
    Extent image;                                      // fs.img
    std::uint64_t dataBlocks = 0, hashStartBlock = 0;  // of 4096 bytes; 0 if no key of ours signed it
    std::string rootHash, salt;                        // hexadecimal

    // Filesystem and verity tree.
    [[nodiscard]] LoopSpec loop() const { return {fd.get(), image, std::chrono::milliseconds{5000}}; }

    // Writes one wrong byte into a block of the image.
    void damageBlock(std::uint64_t block) const;
};

// `name`: below tests/data, "signed/hello-xz-1.0.0.npk". The copy gets a name of its own in the sandbox.
[[nodiscard]] TestPackage copyPackage(const std::string& name);

// "signed/..." for every signed package.
[[nodiscard]] std::vector<std::string> signedPackages();

}  // namespace northstar
