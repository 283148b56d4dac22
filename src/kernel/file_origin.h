// SPDX-License-Identifier: Apache-2.0
// Where an open file lies.
#pragma once

#include "base/std.h"

namespace northstar {

struct FileOrigin {
    // In our mount namespace. Empty: not to be named, as it is on no mount of ours (in a mount namespace of its own a
    // caller can give any file any path), was unlinked, or has a path that does not show as it is.
    std::string path;
    std::string filesystem;  // its type, "ext4", "fuse.sshfs"; "tmpfs" for any memfd; empty: not mounted here

    // A caller can make reads of its own FUSE file wait for ever; what is not mounted here may be one.
    [[nodiscard]] bool mayStall() const { return filesystem.empty() || filesystem.starts_with("fuse"); }
};

}  // namespace northstar
