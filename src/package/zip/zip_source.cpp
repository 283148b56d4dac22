// SPDX-License-Identifier: Apache-2.0
#include "package/zip/zip_source.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include "package/read_at.h"

namespace northstar {

zlib_filefunc64_def ZipSource::functions() {
    zlib_filefunc64_def functions{};
    functions.opaque = this;
    functions.zopen64_file = [](voidpf opaque, const void*, int) -> voidpf { return opaque; };
    functions.zread_file = [](voidpf opaque, voidpf, void* buffer, uLong size) -> uLong {
        return self(opaque).read(static_cast<std::uint8_t*>(buffer), size);
    };
    functions.zwrite_file = [](voidpf, voidpf, const void*, uLong) -> uLong { return 0; };
    functions.ztell64_file = [](voidpf opaque, voidpf) -> ZPOS64_T { return self(opaque).position_; };
    functions.zseek64_file = [](voidpf opaque, voidpf, ZPOS64_T offset, int origin) -> long {
        return self(opaque).seek(offset, origin) ? 0 : -1;
    };
    functions.zclose_file = [](voidpf, voidpf) -> int { return 0; };
    functions.zerror_file = [](voidpf opaque, voidpf) -> int { return self(opaque).failure_ ? 1 : 0; };
    return functions;
}

void ZipSource::rethrow() {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

std::size_t ZipSource::read(std::uint8_t* buffer, std::size_t size) try {
    std::size_t done = 0;
    while (done < size && position_ < size_) {
        if (position_ < windowAt_ || position_ - windowAt_ >= windowSize_) {
            windowAt_ = position_ - position_ % kPage;
            windowSize_ = 0;
            const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(window_.size(), size_ - windowAt_));
            windowSize_ = readAt(fd_, windowAt_, std::span{window_}.first(most));
            if (position_ - windowAt_ >= windowSize_) break;  // the file became shorter
        }
        const auto at = static_cast<std::size_t>(position_ - windowAt_);
        const std::size_t count = std::min(size - done, windowSize_ - at);
        std::memcpy(buffer + done, window_.data() + at, count);
        done += count;
        position_ += count;
    }
    return done;
} catch (...) {
    failure_ = std::current_exception();
    return 0;
}

// minizip steps back with negative numbers cast to unsigned: the sum is meant to wrap.
bool ZipSource::seek(std::uint64_t offset, int origin) {
    const std::uint64_t from = origin == ZLIB_FILEFUNC_SEEK_CUR   ? position_
                               : origin == ZLIB_FILEFUNC_SEEK_END ? size_
                                                                  : 0;
    const std::uint64_t target = from + offset;
    if (target > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return false;
    position_ = target;
    return true;
}

}  // namespace northstar
