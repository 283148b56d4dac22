// SPDX-License-Identifier: Apache-2.0
#include "support/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"

namespace northstar::test {
namespace {

void check(bool ok, const char* what) {
    if (!ok) throwErrno(Code::Failed, what, errno);
}

}  // namespace

MemoryFile::MemoryFile() : fd_{::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)} {
    check(static_cast<bool>(fd_), "memfd_create");
}

void MemoryFile::append(std::string_view bytes) {
    overwrite(size_, bytes);
    size_ += bytes.size();
}

void MemoryFile::skip(std::uint64_t bytes) {
    size_ += bytes;
    check(::ftruncate(fd_.get(), static_cast<off_t>(size_)) == 0, "ftruncate");
}

void MemoryFile::overwrite(std::uint64_t offset, std::string_view bytes) const {
    const ssize_t put = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    check(put == static_cast<ssize_t>(bytes.size()), "pwrite");
}

void MemoryFile::seal() const {
    check(::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0, "seal");
}

UniqueFd MemoryFile::duplicate() const { return duplicateFd(fd_.get()); }

std::string contentOf(int fd, std::uint64_t offset, std::uint64_t size) {
    std::string content(size, '\0');
    const ssize_t got = ::pread(fd, content.data(), content.size(), static_cast<off_t>(offset));
    check(got >= 0, "pread");
    content.resize(static_cast<std::size_t>(got));
    return content;
}

}  // namespace northstar::test
