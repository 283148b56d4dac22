// SPDX-License-Identifier: Apache-2.0
// Linux: Documentation/userspace-api/landlock.rst; include/uapi/linux/landlock.h.
#include "npk/confinement.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/prctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/std.h"

namespace northstar::npk {
namespace {

// As the newest kernel that is known here (interface version 6) has it: headers may be older. A kernel takes a longer
// structure than it knows if the rest is zero.
struct Attributes {
    std::uint64_t files = 0, network = 0, scopes = 0;
};
constexpr std::uint64_t kAllFiles1 = (1U << 13U) - 1;                                   // up to MAKE_SYM
constexpr std::uint64_t kRefer = 1U << 13U, kTruncate = 1U << 14U, kIoctl = 1U << 15U;  // since 2, 3 and 5
constexpr std::uint64_t kNetwork = 3;  // bind and connect of TCP, since 4
constexpr std::uint64_t kScopes = 3;   // abstract sockets and signals, since 6

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kProgram = kRead | LANDLOCK_ACCESS_FS_EXECUTE;
constexpr std::uint64_t kDevices = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;

struct Place {
    const char* path;
    std::uint64_t access;
};
// What it takes to start a program, tell the time zone and count processors.
constexpr std::array kSystem{
    Place{"/usr", kProgram},
    Place{"/bin", kProgram},
    Place{"/sbin", kProgram},
    Place{"/lib", kProgram},
    Place{"/lib64", kProgram},
    Place{"/etc/ld.so.cache", LANDLOCK_ACCESS_FS_READ_FILE},
    Place{"/etc/localtime", LANDLOCK_ACCESS_FS_READ_FILE},
    Place{"/sys/devices/system/cpu", kRead},
    Place{"/dev/null", LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE},
};

Attributes handledBy(long version) {
    Attributes handled;
    handled.files = kAllFiles1;
    if (version >= 2) handled.files |= kRefer;
    if (version >= 3) handled.files |= kTruncate;
    if (version >= 5) handled.files |= kIoctl;
    if (version >= 4) handled.network = kNetwork;
    if (version >= 6) handled.scopes = kScopes;
    return handled;
}

void allow(int rules, int place, std::uint64_t access) {
    landlock_path_beneath_attr rule{};
    rule.allowed_access = access;
    rule.parent_fd = place;
    if (::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
        throwErrno(Code::Failed, "Cannot confine what reads the image", errno);
    }
}

// capset(2), version 3: no capability at all. By hand, as libcap would be one library more for one call.
int dropCapabilities() noexcept {
    struct {
        std::uint32_t version = 0x20080522;
        int pid = 0;
    } header;
    std::array<std::uint32_t, 6> none{};
    return ::syscall(SYS_capset, &header, none.data()) == 0 ? 0 : errno;
}

}  // namespace

Confinement::Confinement(int directory) {
    const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        throw Error{Code::Unsupported,
                    "Cannot confine what reads the image: this kernel has no Landlock (CONFIG_SECURITY_LANDLOCK, and "
                    "landlock in lsm= on its command line); take the image out with unpack --image instead"};
    }
    const Attributes handled = handledBy(version);
    rules_.reset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0)));
    if (!rules_) throwErrno(Code::Failed, "Cannot confine what reads the image", errno);
    allow(rules_.get(), directory, handled.files & ~(kDevices | LANDLOCK_ACCESS_FS_EXECUTE));
    for (const Place& place : kSystem) {
        const UniqueFd fd{::open(place.path, O_PATH | O_CLOEXEC)};
        if (fd) allow(rules_.get(), fd.get(), place.access);
    }
}

int Confinement::enter() const noexcept {
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0) return errno;
    if (::geteuid() == 0) {
        // Not by the functions of the C library, which would ask other threads to do the same.
        if (::syscall(SYS_setgroups, 0, nullptr) != 0) return errno;
        if (::syscall(SYS_setresgid, kNobody, kNobody, kNobody) != 0) return errno;
        if (::syscall(SYS_setresuid, kNobody, kNobody, kNobody) != 0) return errno;
    }
    if (const int error = dropCapabilities(); error != 0) return error;
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    if (::syscall(SYS_landlock_restrict_self, rules_.get(), 0) != 0) return errno;
    return 0;
}

}  // namespace northstar::npk
