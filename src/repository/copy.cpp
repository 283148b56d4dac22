// SPDX-License-Identifier: Apache-2.0
#include "repository/copy.h"

#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "base/error.h"
#include "base/std.h"
#include "package/bytes.h"

namespace northstar {
namespace {

constexpr std::uint64_t kRead = 1U << 20U;   // bytes a read
constexpr std::uint64_t kRange = 8U << 20U;  // bytes a copy_file_range: between two looks whether to stop

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

// All of it at once, whatever its size. False: not between these two.
bool shareBlocks(int from, int to, std::uint64_t size, const std::string& name) {
    if (ioctl(to, FICLONE, from) != 0) return false;
    const off_t end = lseek(to, 0, SEEK_END);
    if (end < 0 || static_cast<std::uint64_t>(end) < size) throwShrank(name);
    if (ftruncate(to, static_cast<off_t>(size)) != 0) throwWriteError(name, errno);  // it may have grown
    return true;
}

// How many bytes the kernel copied from `done` on; 0: it does not, or says why not less well than reading and writing.
std::uint64_t copyRange(int from, int to, std::uint64_t done, std::uint64_t size) {
    auto in = static_cast<off_t>(done);
    off_t out = in;
    const ssize_t copied = copy_file_range(from, &in, to, &out, std::min(size - done, kRange), 0);
    return copied > 0 ? static_cast<std::uint64_t>(copied) : 0;
}

std::uint64_t readAndWrite(int from, int to, std::uint64_t done, std::uint64_t size, std::vector<char>& buffer,
                           const std::string& name) {
    buffer.resize(kRead);
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
    if (shareBlocks(from, to, size, name)) {
        progress.add(size);
        return;
    }
    bool byKernel = true;
    std::vector<char> buffer;
    for (std::uint64_t done = 0; done < size;) {
        refuseStopped(stop, name);
        std::uint64_t copied = byKernel ? copyRange(from, to, done, size) : 0;
        byKernel = copied > 0;
        if (!byKernel) copied = readAndWrite(from, to, done, size, buffer, name);
        done += copied;
        progress.add(copied);
    }
}

}  // namespace northstar
