// SPDX-License-Identifier: Apache-2.0
#include "repository/temporary_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "base/error.h"
#include "base/hex.h"
#include "package/image/sealed_image.h"

namespace northstar {
namespace {

constexpr std::string_view kPrefix = ".northstar-install-";

}  // namespace

void throwWriteError(const std::string& what, int error) { throwErrno(codeForWrite(error), what, error); }

bool isTemporaryName(const std::string& name) {
    return name.size() > kPrefix.size() && name.starts_with(kPrefix) &&
           name.find('.', kPrefix.size()) == std::string::npos;
}

TemporaryFile::TemporaryFile(const std::string& directory)
    : path_{directory}, directory_{open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)},
      name_{std::string{kPrefix} + randomHex()} {
    if (!directory_) throwErrno(Code::Failed, "Cannot open the repository directory " + directory, errno);
    // Nobody else reads it before it is checked.
    fd_.reset(openat(directory_.get(), name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd_) throwWriteError("Cannot create a file in " + directory, errno);
}

TemporaryFile::~TemporaryFile() {
    if (name_.empty() || !fd_) return;
    unlinkat(directory_.get(), name_.c_str(), 0);
    fsync(directory_.get());  // best effort: it may have had its real name
}

void TemporaryFile::flush() const {
    if (fchmod(fd_.get(), 0644) != 0 || fsync(fd_.get()) != 0) {
        throwWriteError("Cannot write the copy of the package to " + path_, errno);
    }
}

bool TemporaryFile::publish(const std::string& name) {
    if (!rename(name)) return false;
    name_ = name;
    if (fsync(directory_.get()) != 0) throwWriteError("Cannot write the directory " + path_, errno);
    return true;
}

bool TemporaryFile::rename(const std::string& name) const {
    const int directory = directory_.get();
    if (renameat2(directory, name_.c_str(), directory, name.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno == EEXIST) return false;
    if (errno == EINVAL || errno == ENOSYS) {
        // Some filesystems cannot say "unless it is there" (rename(2)). Installs run one at a time.
        struct stat status{};
        if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return false;
        if (renameat(directory, name_.c_str(), directory, name.c_str()) == 0) return true;
    }
    throwWriteError("Cannot rename the copy to " + path_ + "/" + printable(name), errno);
}

}  // namespace northstar
