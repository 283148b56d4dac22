// SPDX-License-Identifier: Apache-2.0
// The system that check-system looks at: this one, or one whose files lie below a directory. What the kernel has is
// read from its configuration and modules; of this system it is also tried, which loads modules but changes nothing
// else.
#pragma once

#include "base/std.h"

namespace northstar::cli {

class System {
public:
    // root: empty for this system.
    explicit System(std::string root);

    [[nodiscard]] bool isThis() const noexcept { return root_.empty(); }
    // The kernel's, as `uname -r` says it; of another system that of its newest modules, empty without any.
    [[nodiscard]] const std::string& release() const noexcept { return release_; }
    // Where the kernel's configuration was found; empty: nowhere.
    [[nodiscard]] const std::string& configFile() const noexcept { return configFile_; }

    // 'y', 'm' or 'n' for CONFIG_<option>; nullopt if the configuration is not known.
    [[nodiscard]] std::optional<char> option(const std::string& option) const;
    // Is it built in, loaded, or there to be loaded?
    [[nodiscard]] bool hasModule(const std::string& module) const;

    // Where a file of that system is, whose path there is absolute.
    [[nodiscard]] std::string at(const std::string& path) const { return root_ + path; }
    [[nodiscard]] bool has(const std::string& path) const;
    // The first of these that exists; empty: none.
    [[nodiscard]] std::string firstOf(const std::vector<std::string>& paths) const;
    // The text of a file, plain or compressed by gzip; empty if it cannot be read. 16 MiB at most.
    [[nodiscard]] std::string read(const std::string& path) const;

private:
    std::string root_, release_, configFile_;
    std::map<std::string, char> options_;
    std::vector<std::string> modules_;  // with '_' for '-'
};

// Of this system: nullopt where only root can try, or it cannot be told.
[[nodiscard]] std::optional<bool> tryFilesystem(const std::string& name);
[[nodiscard]] std::optional<bool> tryVerity();
[[nodiscard]] std::optional<bool> tryLoop();
[[nodiscard]] std::optional<bool> trySha256();

}  // namespace northstar::cli
