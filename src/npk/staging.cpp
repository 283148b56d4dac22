// SPDX-License-Identifier: Apache-2.0
#include "npk/staging.h"

#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"

namespace northstar::npk {

Staging::Staging(const std::string& destination) : path_{directoryOf(destination) + "/.npk-XXXXXX"} {
    if (::mkdtemp(path_.data()) == nullptr) {
        throwErrno(Code::Failed, "Cannot write into " + printable(directoryOf(destination)), errno);
    }
    fd_.reset(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (fd_) return;
    const int error = errno;
    ::rmdir(path_.c_str());
    throwErrno(Code::Failed, "Cannot open " + printable(path_), error);
}

Staging::~Staging() { removeTree(path_); }

UniqueFd Staging::create(const std::string& name) const {
    UniqueFd fd{::openat(fd_.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
    if (!fd) throwErrno(Code::Failed, "Cannot create " + printable(*this / name), errno);
    return fd;
}

void Staging::publish(const std::string& name, const std::string& destination, unsigned flags) const {
    if (::renameat2(fd_.get(), name.c_str(), AT_FDCWD, destination.c_str(), flags) == 0) return;
    throwErrno(Code::Failed, "Cannot make " + printable(destination), errno);
}

std::string directoryOf(const std::string& path) {
    const std::size_t end = path.find_last_not_of('/');
    const std::size_t slash = end == std::string::npos ? 0 : path.find_last_of('/', end);
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

// fts(3) changes into each directory: so paths may be longer than PATH_MAX, and it takes no descriptor a level.
void removeTree(const std::string& path) noexcept {
    std::string root = path;
    std::array<char*, 2> roots{root.data(), nullptr};
    FTS* tree = ::fts_open(roots.data(), FTS_PHYSICAL, nullptr);
    if (tree == nullptr) return;
    while (const FTSENT* entry = ::fts_read(tree)) {
        switch (entry->fts_info) {
            case FTS_D: ::chmod(entry->fts_accpath, S_IRWXU); break;  // before it is opened
            case FTS_DP: ::rmdir(entry->fts_accpath); break;
            case FTS_DNR:
            case FTS_ERR: break;
            default: ::unlink(entry->fts_accpath);
        }
    }
    ::fts_close(tree);
}

}  // namespace northstar::npk
