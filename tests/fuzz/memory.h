// SPDX-License-Identifier: Apache-2.0
// The input as a file in memory, for what reads files.
#pragma once

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <string>

#include "base/unique_fd.h"
#include "base/utf8.h"
#include "fuzz/require.h"

namespace northstar::test {

inline UniqueFd memoryWith(std::span<const std::uint8_t> bytes) {
    UniqueFd file{::memfd_create("fuzz", MFD_CLOEXEC)};
    require(::fchmod(file.get(), 0600) == 0);  // of a configuration or a key
    require(::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    return file;
}

inline std::string pathOf(const UniqueFd& file) { return "/proc/self/fd/" + std::to_string(file.get()); }

// As what goes to the journal, to a terminal and over the bus has to be.
inline bool isOneLine(const std::string& message) {
    return toUtf8(message) == message &&
           std::ranges::none_of(message, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace northstar::test
