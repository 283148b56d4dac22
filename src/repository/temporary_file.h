// SPDX-License-Identifier: Apache-2.0
// A file on its way into a repository's directory. It is owned under whatever name it has until keep(): whatever
// fails before that, nothing of it stays.
#pragma once

#include "base/std.h"
#include "base/unique_fd.h"

namespace northstar {

class TemporaryFile {
public:
    // An empty file under a name that no package has. Throws CapacityExceeded, Failed.
    explicit TemporaryFile(const std::string& directory);
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

    // Everything that was written is on the disk. Throws CapacityExceeded, Failed.
    void flush() const;
    // Gives it its name, and writes the directory to the disk. False if the name is taken: a file that was put there
    // by hand is not overwritten. Throws CapacityExceeded, Failed.
    [[nodiscard]] bool publish(const std::string& name);
    void keep() noexcept { name_.clear(); }

private:
    [[nodiscard]] bool rename(const std::string& name) const;

    std::string path_;  // of the directory, for messages
    UniqueFd directory_;
    std::string name_;  // the one it has now
    UniqueFd fd_;
};

// Is it a name that only a TemporaryFile has? No package does: theirs end in ".npk".
[[nodiscard]] bool isTemporaryName(const std::string& name);

// Throws CapacityExceeded if the error says that there is no room, else Failed.
[[noreturn]] void throwWriteError(const std::string& what, int error);

}  // namespace northstar
