// SPDX-License-Identifier: Apache-2.0
// Files that say what the service does and whom it believes: they are root's alone.
#pragma once

#include "base/std.h"

namespace northstar {

// Refuses a file that is no regular one, belongs to somebody else than root (or the service's own user), or that its
// group or others may write to; an access list shows in the bits of the group (acl(5)). `what` begins the message, and
// `path` is what it tells to change. Throws Failed.
void requireOwnFile(int fd, const std::string& what, const std::string& path);

// The same for a directory of such files: whoever may write there takes one away or puts another's in its place.
void requireOwnDirectory(int fd, const std::string& what, const std::string& path);

}  // namespace northstar
