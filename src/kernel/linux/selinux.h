// SPDX-License-Identifier: Apache-2.0
// The SELinux context that all files of a mount get (mount(8), "context=").
#pragma once

#include "base/std.h"

namespace northstar {

// Is SELinux enabled and its policy loaded, so that the kernel takes the option?
[[nodiscard]] bool selinuxEnabled();

// The mount option. For fsconfig(2) the value is passed as it is, since nothing splits it.
struct SelinuxOption {
    std::string key;
    std::string value;

    // For mount(2), quoted: an MCS range holds a comma, at which the kernel would split the options.
    [[nodiscard]] std::string text() const;
};

// None where SELinux is not enabled: a kernel without it refuses the option. Throws InvalidArgs, enabled or
// not, unless the context consists of [A-Za-z0-9:_.,-] only.
[[nodiscard]] std::optional<SelinuxOption> selinuxOption(const std::string& context, bool enabled);

}  // namespace northstar
