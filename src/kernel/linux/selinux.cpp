// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/selinux.h"

#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/vfs.h>

#include "base/error.h"
#include "kernel/linux/sysfs.h"

namespace northstar {

bool selinuxEnabled() {
    struct statfs status{};
    if (::statfs("/sys/fs/selinux", &status) != 0 || status.f_type != SELINUX_MAGIC) return false;
    // Before a policy is loaded a process has no context of the form user:role:type, and the kernel refuses
    // the option.
    return readLine("/proc/self/attr/current").value_or("").find(':') != std::string::npos;
}

std::string SelinuxOption::text() const { return key + "=\"" + value + "\""; }

std::optional<SelinuxOption> selinuxOption(const std::string& context, bool enabled) {
    const auto allowed = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':' || c == '_' ||
               c == '.' || c == ',' || c == '-';
    };
    if (context.empty() || !std::all_of(context.begin(), context.end(), allowed)) {
        throw Error{Code::InvalidArgs, "\"" + printable(context) + "\" is no SELinux context"};
    }
    if (!enabled) return std::nullopt;
    return SelinuxOption{"context", context};
}

}  // namespace northstar
