// SPDX-License-Identifier: Apache-2.0
// Paths: the one form in which they are compared, and walking one with the service's rights without being led
// elsewhere.
//
// When walking, each component is opened from the one before, so what was checked is what is used. A symlink counts
// only if nobody else may change its directory (/var/run does, anything in /tmp does not).
#pragma once

#include <deque>

#include "base/error.h"
#include "base/std.h"
#include "base/unique_fd.h"

namespace northstar {

// An absolute path without "//", "/." and a slash at its end. `what` begins the message. Throws InvalidArgs for "..", a
// relative path, "/", one with controls, or what is longer than PATH_MAX or NAME_MAX (limits.h) allow.
[[nodiscard]] std::string normalPath(const std::string& path, const std::string& what);

struct WalkPolicy {
    enum class Links { OfRoot, OfRootAndUs };  // whose directories' symlinks are followed; nobody else may write there
    enum class Missing { Refused, Left };      // what does not exist

    Links links = Links::OfRoot;
    Missing missing = Missing::Refused;
    Code refusal = Code::InvalidArgs;
    std::string what;  // begins every message
};

struct Walk {
    UniqueFd directory;               // O_PATH, the last one that exists
    std::string path;                 // of it, without symlinks; empty: "/"
    std::deque<std::string> missing;  // the components behind it, if the policy leaves them
};

// The parts of a path between its slashes; none is empty.
[[nodiscard]] std::deque<std::string> pathComponents(const std::string& path);

// Walks from "/". Throws what the policy says if a component is missing, no directory or a symlink that is not to be
// followed; Failed if one cannot be opened.
[[nodiscard]] Walk walkPath(std::deque<std::string> components, const WalkPolicy& policy);

// Where a symlink points to; empty if it is none. `directory` as for readlinkat(2).
[[nodiscard]] std::string readLink(int directory, const std::string& name);

// The names in a directory, "." and ".." left out, in no order. `path`: how an error calls it. Throws Failed if any of
// it cannot be read: half a list would be taken for the whole.
[[nodiscard]] std::vector<std::string> namesIn(int directory, const std::string& path);

}  // namespace northstar
