// SPDX-License-Identifier: Apache-2.0
// What a tool that reads somebody else's image may do: next to nothing. The image may exploit it, so it gets
//
// - no file but the system's programs and libraries, for reading, and one directory (Landlock, Linux 5.13); there no
//   device node can be made;
// - no network and no signals to others, where the kernel's Landlock knows them (Linux 6.7, 6.12);
// - no privileges: none to gain by an exec (no_new_privs), and root becomes nobody;
// - no core file.
#pragma once

#include "base/unique_fd.h"

namespace northstar::npk {

// The user and group that root becomes: nobody and nogroup on Debian, the kernel's overflow ids everywhere.
inline constexpr unsigned kNobody = 65534;

class Confinement {
public:
    // `directory`: opened; the one place for writing. Throws Unsupported if the kernel has no Landlock, Failed.
    explicit Confinement(int directory);

    // In a child after fork(): only system calls. Returns 0 or an errno value; then the child must not go on.
    [[nodiscard]] int enter() const noexcept;

private:
    UniqueFd rules_;
};

}  // namespace northstar::npk
