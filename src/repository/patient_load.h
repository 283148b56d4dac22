// SPDX-License-Identifier: Apache-2.0
// Reading a directory whose filesystem may never answer, such as one of FUSE or of the network.
#pragma once

#include <chrono>
#include <stop_token>

#include "base/std.h"
#include "repository/repository.h"
#include "repository/watch.h"

namespace northstar {

// How long a directory may take from one file to the next. A disk that wakes up takes seconds.
inline constexpr std::chrono::seconds kPatience{5};

// What interrupted installs left is removed, the watch of the repository, if it has one, looks where the path leads,
// and then loadDirectory(). On a thread of its own, which is left to itself when it gets no further for that long, or
// the stop is asked for: then the content is `previous`, and in the first case its `problem` says so; the watch is that
// thread's then, and the repository has none. A directory that has such a thread already gets no second one. Blocks for
// as long as files are read.
[[nodiscard]] RepositoryContent loadPatiently(Repository& repository, const RepositoryContent& previous,
                                              const std::stop_token& stop);

struct PatientLook {
    std::optional<RepositoryContent> content;  // none: nothing has changed
    bool answered = true;                      // false: the watch is lost, as above
};

// Looks at a watched directory again, in the same way. All of it is read only if one of the noted files is not as the
// repository knows it, and no file that somebody is still writing.
[[nodiscard]] PatientLook lookPatiently(const std::shared_ptr<const Repository>& repository, Noted noted,
                                        const std::stop_token& stop);

}  // namespace northstar
