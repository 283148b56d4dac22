// SPDX-License-Identifier: Apache-2.0
// Reading a directory whose filesystem may never answer, such as one of FUSE or of the network.
#pragma once

#include <chrono>
#include <stop_token>

#include "repository/repository.h"

namespace northstar {

// How long a directory may take from one file to the next. A disk that wakes up takes seconds.
inline constexpr std::chrono::seconds kPatience{5};

// What interrupted installs left is removed, then loadDirectory(). On a thread of its own, which is left to itself when
// it gets no further for that long, or the stop is asked for: then the content is `previous`, and in the first case its
// `problem` says so. A directory that has such a thread already gets no second one. Blocks for as long as files are
// read.
[[nodiscard]] RepositoryContent loadPatiently(const Repository& repository, const RepositoryContent& previous,
                                              const std::stop_token& stop);

}  // namespace northstar
