// SPDX-License-Identifier: Apache-2.0
// The files of the configuration, as the UAPI configuration files specification (UAPI.6) has them: /etc/northstar is
// the administrator's, /usr/lib/northstar the vendor's. mounter.toml is read from the first of the two that has one,
// then mounter.toml.d/*.toml of both, in the order of their names; a name of /etc hides the same one of /usr/lib. A
// link to /dev/null or an empty file hides and says nothing itself. Hidden files are not read.
//
// Whoever may change what lies there decides what is trusted: each file, and each folder that is looked into, belongs
// to root (or the service's own user), and nobody else may write there.
#pragma once

#include "base/std.h"
#include "config/problems.h"

namespace northstar {

// Where the configuration is read from.
struct ConfigSource {
    std::optional<std::string> file{};  // it alone; without it, the layers
    std::string root{};                 // the folders of the layers lie below; empty for this system
};

struct ConfigFile {
    std::string path, text;
};

struct ConfigFiles {
    std::vector<ConfigFile> files;  // in the order in which they count
    bool complete = true;           // none is missing that could not be read
};

// Blocks as the files do. What cannot be read is a problem, and left out.
[[nodiscard]] ConfigFiles readConfigFiles(const ConfigSource& source, Problems& problems);

}  // namespace northstar
