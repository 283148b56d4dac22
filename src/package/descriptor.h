// SPDX-License-Identifier: Apache-2.0
// Package files of callers: opening them by path, and what is a file to read a package from.
#pragma once

#include <sys/types.h>
#include <time.h>

#include "base/std.h"
#include "base/unique_fd.h"

namespace northstar {

// What a file was when it was looked at. Equal identities mean the same bytes, for files that only
// well-behaved writers touch (a cache key, never a proof).
struct FileIdentity {
    dev_t device = 0;
    ino_t inode = 0;
    std::uint64_t size = 0;  // bytes
    timespec modified{}, changed{};

    bool operator==(const FileIdentity& other) const noexcept;
};

// Throws Failed if the descriptor cannot be asked.
[[nodiscard]] FileIdentity identify(int fd);

// Opens a regular file for reading, and nothing else: to open a device can do things (start a watchdog, rewind a tape),
// and to open a FIFO can wait. Follows symlinks, but no magic link: /proc/PID/fd/N would be opened with our rights.
// Blocks. Throws InvalidArgs for what is no file, Failed.
[[nodiscard]] UniqueFd openPackageFile(const std::string& path);

// Refuses what is no package file: O_PATH or write-only descriptors, directories, sockets, pipes, devices.
// Throws InvalidArgs saying what it is and what to pass instead.
void checkPackageDescriptor(int fd);

}  // namespace northstar
