// SPDX-License-Identifier: Apache-2.0
#include "base/own_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

namespace northstar {

void requireOwnFile(int fd, const std::string& what, const std::string& path) {
    struct stat status{};
    if (fstat(fd, &status) != 0) throwErrno(Code::Failed, what, errno);
    if (!S_ISREG(status.st_mode)) throw Error{Code::Failed, what + ": it is not a regular file"};
    if (status.st_uid != 0 && status.st_uid != geteuid()) {
        throw Error{Code::Failed, fmt::format("{}: it belongs to user {}, who could change it; chown root {}", what,
                                              status.st_uid, printable(path))};
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        throw Error{Code::Failed, fmt::format("{}: others than its owner may write to it (mode {:04o}); chmod go-w {}",
                                              what, status.st_mode & 07777U, printable(path))};
    }
}

}  // namespace northstar
