// SPDX-License-Identifier: Apache-2.0
// Mounting in two steps: a mount that is at no path, then putting it at one (fsopen(2), fsmount(2), move_mount(2)).
// With it the SELinux context that all files of a mount get (mount(8), "context="), and what a failed mount means.
#pragma once

#include <atomic>

#include "base/std.h"
#include "kernel/device.h"
#include "kernel/linux/calls.h"
#include "kernel/mount.h"

namespace northstar {

class Mounter {
public:
    // Old: mount(2), as on kernels before 5.2.
    explicit Mounter(Calls calls) : old_{calls == Calls::Old} {}

    // See Kernel::mountDetached. Throws Unsupported, Corrupted, InvalidArgs, Failed.
    [[nodiscard]] std::unique_ptr<DetachedMount> mount(const Device& source, const MountOptions& options);

private:
    std::atomic<bool> old_;
};

// The value of the mount option "context". None where SELinux is not enabled: a kernel without it refuses the option.
// Throws InvalidArgs, enabled or not, unless the context consists of [A-Za-z0-9:_.,-] only. For fsconfig(2) it is
// passed as it is, since nothing splits it.
[[nodiscard]] std::optional<std::string> selinuxContext(const std::string& context, bool enabled);

// The option for mount(2), quoted: an MCS range holds a comma, at which the kernel would split the options.
[[nodiscard]] std::string selinuxData(const std::string& context);

// The errno value and the kernel's own words, turned into an error to act on: Unsupported if the kernel lacks the
// filesystem or a decompressor (then naming the option), Corrupted if the image cannot be read, else Failed. `log` may
// be empty: mount(2) has none.
[[noreturn]] void throwMountError(const std::string& source, const MountOptions& options, int error,
                                  const std::string& log);

}  // namespace northstar
