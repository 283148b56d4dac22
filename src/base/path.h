// SPDX-License-Identifier: Apache-2.0
// Paths: the one form in which they are compared, and walking one with the service's rights without being led
// elsewhere.
//
// When walking, each component is opened from the one before, so what was checked is what is used. A symlink counts
// only if nobody else may change its directory and nobody else made it: on the filesystem of "/" and reached without
// leaving that. Directories of a package, a FUSE server or a removable medium can say that they are root's.
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
    // Whose directories' symlinks are followed; nobody else may write there.
    enum class Links { None, OfRoot, OfRootAndUs };
    enum class Missing { Refused, Left };  // what does not exist
    enum class Foreign { Entered, Left };  // what lies on another filesystem than the root; entering it may block

    Links links = Links::OfRoot;
    Missing missing = Missing::Refused;
    Foreign foreign = Foreign::Entered;
    Code refusal = Code::InvalidArgs;
    std::string what{};      // begins every message
    std::string root = "/";  // where walks and absolute symlinks begin; tests have one of their own
    std::function<void(int directory, const std::string& name)> lookup{};  // before a component is looked up there
};

struct Walk {
    UniqueFd directory;            // O_PATH, the last one that was opened
    std::string path;              // of it, without symlinks; empty: the root
    std::deque<std::string> left;  // the components behind it, if the policy leaves them

    // The whole path. Nullopt if what was left has "..", from a symlink: nobody knows where that leads.
    [[nodiscard]] std::optional<std::string> text() const;
};

// The parts of a path between its slashes; none is empty.
[[nodiscard]] std::deque<std::string> pathComponents(const std::string& path);

// Throws what the policy says if a component is missing, no directory or a symlink that is not to be followed; Failed
// if one cannot be opened.
[[nodiscard]] Walk walkPath(std::deque<std::string> components, const WalkPolicy& policy);

// A normal path with the symlinks of the root filesystem resolved but for its last component, which need not be there.
// Nothing else is touched, so this does not wait for another filesystem. As it is if that cannot be done: a walk that
// follows no symlink says why. `root` as in WalkPolicy.
[[nodiscard]] std::string resolvedParent(const std::string& path, const std::string& root = "/");

// May everybody go through all the directories above this absolute path, as their modes say? If not, that it is there
// is not for everybody to know. False also if that cannot be told. Blocks.
[[nodiscard]] bool isOpenToEverybody(const std::string& path) noexcept;

// Where a symlink points to; empty if it is none. `directory` as for readlinkat(2).
[[nodiscard]] std::string readLink(int directory, const std::string& name);

// The names in a directory, "." and ".." left out, in no order. `path`: how an error calls it. Throws Failed if any of
// it cannot be read: half a list would be taken for the whole.
[[nodiscard]] std::vector<std::string> namesIn(int directory, const std::string& path);

}  // namespace northstar
