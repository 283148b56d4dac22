// SPDX-License-Identifier: Apache-2.0
// Where things are made before they get their name: a directory of its own beside it, which goes with this object,
// whatever happened.
#pragma once

#include "base/std.h"
#include "base/unique_fd.h"

namespace northstar::npk {

class Staging {
public:
    // Makes ".npk-XXXXXX", for its owner alone, in the directory of `destination`. Throws Failed.
    explicit Staging(const std::string& destination);
    ~Staging();
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;

    [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

    // An empty file in it, for reading and writing. Throws Failed.
    [[nodiscard]] UniqueFd create(const std::string& name) const;

    // Gives what is in it its name, replacing a file that has it, or refusing to, as `flags` of renameat2(2) say.
    // Throws Failed.
    void publish(const std::string& name, const std::string& destination, unsigned flags = 0) const;

private:
    std::string path_;
    UniqueFd fd_;
};

// The directory that a path is in: "." if it names none.
[[nodiscard]] std::string directoryOf(const std::string& path);

// Removes a file or a directory with all that is in it, also what its modes forbid to look into. Errors are ignored.
void removeTree(const std::string& path) noexcept;

}  // namespace northstar::npk
