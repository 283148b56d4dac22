// SPDX-License-Identifier: Apache-2.0
// The input functions that minizip reads through. Internal to src/package.
#pragma once

#include <unzip.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>

namespace northstar {

// A file descriptor with a position of its own and a small window: minizip reads byte by byte, and 64 KiB
// backwards in search of the end record.
class ZipSource {
public:
    ZipSource(int fd, std::uint64_t size) : fd_{fd}, size_{size} {}
    ZipSource(const ZipSource&) = delete;
    ZipSource& operator=(const ZipSource&) = delete;

    // For unzOpen2_64; refers to this object.
    [[nodiscard]] zlib_filefunc64_def functions();

    // No exception may pass through minizip, which is C: one that a read threw is kept and comes out here.
    void rethrow();

private:
    std::size_t read(std::uint8_t* buffer, std::size_t size);
    bool seek(std::uint64_t offset, int origin);
    static ZipSource& self(void* opaque) { return *static_cast<ZipSource*>(opaque); }

    static constexpr std::size_t kPage = 4096;

    int fd_;
    std::uint64_t size_;  // bytes; what was there when the file was looked at
    std::uint64_t position_ = 0;
    std::array<std::uint8_t, 2 * kPage> window_{};
    std::uint64_t windowAt_ = 0;
    std::size_t windowSize_ = 0;
    std::exception_ptr failure_;
};

}  // namespace northstar
