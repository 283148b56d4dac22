// SPDX-License-Identifier: Apache-2.0
#include "repository/copy.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "base/error.h"
#include "base/std.h"
#include "package/bytes.h"

namespace northstar {
namespace {

constexpr std::uint64_t kRead = 1U << 20U;  // bytes a read

[[noreturn]] void throwWriteError(const std::string& name, int error) {
    throwErrno(codeForWrite(error), "Cannot write the copy of the package " + name, error);
}

[[noreturn]] void throwShrank(const std::string& name) {
    throw Error{Code::InvalidPackage, fmt::format("Cannot install the package {}: it shrank while it was read", name)};
}

void refuseStopped(const std::stop_token& stop, const std::string& name) {
    if (!stop.stop_requested()) return;
    throw Error{Code::Failed, fmt::format("The install of the package {} was cancelled", name)};
}

std::uint64_t readAndWrite(int from, int to, std::uint64_t done, std::uint64_t size, std::vector<char>& buffer,
                           const std::string& name) {
    const ssize_t got = pread(from, buffer.data(), std::min(size - done, kRead), static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) return 0;
    if (got < 0) throwErrno(Code::Failed, "Cannot read the package " + name, errno);
    if (got == 0) throwShrank(name);
    const ssize_t put = pwrite(to, buffer.data(), static_cast<std::size_t>(got), static_cast<off_t>(done));
    if (put < 0 && errno != EINTR) throwWriteError(name, errno);
    return put > 0 ? static_cast<std::uint64_t>(put) : 0;
}

}  // namespace

void copyPackage(int from, int to, std::uint64_t size, const std::string& name, const std::stop_token& stop,
                 Progress& progress) {
    std::vector<char> buffer(kRead);
    for (std::uint64_t done = 0; done < size;) {
        refuseStopped(stop, name);
        const std::uint64_t copied = readAndWrite(from, to, done, size, buffer, name);
        done += copied;
        progress.add(copied);
    }
}

}  // namespace northstar
