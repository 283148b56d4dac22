// SPDX-License-Identifier: Apache-2.0
#include "package/read_at.h"

#include <unistd.h>

#include <limits>

#include "base/checked.h"
#include "base/error.h"

namespace northstar {

std::size_t readAt(int fd, std::uint64_t offset, std::span<std::uint8_t> buffer) {
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
    if (!Extent{offset, buffer.size()}.within(kMost)) return 0;
    std::size_t done = 0;
    while (done < buffer.size()) {
        const ssize_t got = ::pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
        if (got == 0) break;
        if (got < 0) {
            if (errno == EINTR) continue;
            throwErrno(Code::Failed, "Cannot read at byte " + std::to_string(offset + done), errno);
        }
        done += static_cast<std::size_t>(got);
    }
    return done;
}

}  // namespace northstar
