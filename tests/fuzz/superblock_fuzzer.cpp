// SPDX-License-Identifier: Apache-2.0
// Any bytes as a verity superblock. The first 16 are its offset and the image's size.
#include <cstring>

#include "base/checked.h"
#include "base/error.h"
#include "fuzz/require.h"
#include "package/image/superblock.h"

using namespace northstar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::uint64_t offset = 0, imageSize = 0;
    if (size < 16) return 0;
    std::memcpy(&offset, data, 8);
    std::memcpy(&imageSize, data + 8, 8);
    try {
        const Verity verity = parseVeritySuperblock({data + 16, size - 16}, {}, offset, imageSize);
        require(verity.dataBlocks * 4096 == offset && verity.salt.size() <= 256);
        require(Extent{offset, (1 + verity.hashBlocks()) * 4096}.within(imageSize));
    } catch (const Error& error) {
        require(error.code() == Code::InvalidPackage || error.code() == Code::Corrupted);
    }
    return 0;
}
