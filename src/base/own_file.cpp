// SPDX-License-Identifier: Apache-2.0
#include "base/own_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

namespace northstar {
namespace {

struct stat statusOf(int fd, const std::string& what) {
    struct stat status{};
    if (fstat(fd, &status) != 0) throwErrno(Code::Failed, what, errno);
    return status;
}

void requireOwn(const struct stat& status, const std::string& what, const std::string& path) {
    if (status.st_uid != 0 && status.st_uid != geteuid()) {
        throw Error{Code::Failed, fmt::format("{}: it belongs to user {}, who could change it; chown root {}", what,
                                              status.st_uid, printable(path))};
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        throw Error{Code::Failed, fmt::format("{}: others than its owner may write to it (mode {:04o}); chmod go-w {}",
                                              what, status.st_mode & 07777U, printable(path))};
    }
}

}  // namespace

void requireOwnFile(int fd, const std::string& what, const std::string& path) {
    const struct stat status = statusOf(fd, what);
    if (!S_ISREG(status.st_mode)) throw Error{Code::Failed, what + ": it is not a regular file"};
    requireOwn(status, what, path);
}

void requireOwnDirectory(int fd, const std::string& what, const std::string& path) {
    const struct stat status = statusOf(fd, what);
    if (!S_ISDIR(status.st_mode)) throw Error{Code::Failed, what + ": it is not a directory"};
    requireOwn(status, what, path);
}

}  // namespace northstar
