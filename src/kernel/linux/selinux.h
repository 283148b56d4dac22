// SPDX-License-Identifier: Apache-2.0
// The SELinux context that all files of a mount get (mount(8), "context=").
#pragma once

#include <string>

namespace northstar {

// Is SELinux enabled and its policy loaded, so that the kernel takes the option?
[[nodiscard]] bool selinuxEnabled();

// Throws InvalidArgs unless the context consists of [A-Za-z0-9:_.,-] only. For fsconfig(2) it is passed as it
// is: one value, which nothing splits.
void checkSelinuxContext(const std::string& context);

// The option for mount(2), quoted: an MCS range holds a comma, at which the kernel would split the options.
// Throws InvalidArgs as above.
[[nodiscard]] std::string selinuxMountOption(const std::string& context);

}  // namespace northstar
