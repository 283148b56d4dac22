// SPDX-License-Identifier: Apache-2.0
// Any bytes as the head of a squashfs or erofs image. The first eight are how large it may be.
#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "fuzz/require.h"
#include "package/image/superblock.h"

using namespace northstar;

namespace {

std::uint64_t numberAt(const std::uint8_t* data, std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    std::memcpy(&value, data + at, size);
    return value;
}

// What the kernel would take of it: nothing outside the image.
void checkTaken(Filesystem filesystem, const std::uint8_t* head, std::uint64_t size) {
    if (filesystem == Filesystem::Squashfs) {
        require(std::equal(head, head + 4, "hsqs") && numberAt(head, 40, 8) <= size);
        return;
    }
    const std::uint8_t* super = head + 1024;
    require(numberAt(super, 86, 2) == 0);  // other block devices
    require(super[12] >= 9 && super[12] <= 16);
    require(numberAt(super, 36, 4) <= size >> super[12]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 8) return 0;
    const std::uint64_t imageSize = numberAt(data, 0, 8);
    const std::uint8_t* head = data + 8;
    try {
        checkTaken(parseFilesystem({head, size - 8}, imageSize), head, imageSize);
    } catch (const Error& error) {
        require(error.code() == Code::InvalidPackage);
    }
    return 0;
}
